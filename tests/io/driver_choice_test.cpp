// tests/io/driver_choice_test.cpp: which driver a runtime gets, and what it says when that is not the best one.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support.hpp"
#include "weft/fs/file_operations.hpp"

namespace {

using namespace weft;
using namespace weft_test;

std::string message_of_making(const runtime_options& options) {
    try {
        runtime made(options);
        return "made with " + std::string(made.io_driver().name());
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

TEST(driver_choice, an_option_names_the_driver) {
    runtime_options options;
    options.min_threads = 1;
    options.driver = "epoll";
    EXPECT_EQ(message_of_making(options), "made with epoll");
    options.driver = "io_uring";
    EXPECT_EQ(message_of_making(options), "made with io_uring");
}

TEST(driver_choice, an_unknown_option_is_refused_with_the_choices) {
    runtime_options options;
    options.driver = "kqueue";
    EXPECT_EQ(message_of_making(options),
        "runtime_options::driver='kqueue' is not an I/O driver: choose 'auto', 'io_uring' or 'epoll'");
}

TEST(driver_choice, an_unknown_variable_is_refused_with_the_choices) {
    const char* before = std::getenv("WEFT_IO");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("WEFT_IO", "fast", 1);
    EXPECT_EQ(
        message_of_making(runtime_options()), "WEFT_IO='fast' is not an I/O driver: choose 'auto', 'io_uring' or 'epoll'");
    if (before == nullptr) ::unsetenv("WEFT_IO");
    else ::setenv("WEFT_IO", kept.c_str(), 1);
}

template <std::size_t Size>
void install(sock_filter (&filter)[Size]) {
    const sock_fprog program{Size, filter};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        std::perror("seccomp");
        std::_Exit(77);
    }
}

/// From here on this process gets EPERM for one system call.
void forbid(unsigned call) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    install(filter);
}

/// From here on this process gets EINVAL, as from a kernel before 6.13, when it sends a message without a ring.
void forbid_messages_without_a_ring() {
    constexpr unsigned send_message = 31;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_register, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + sizeof(std::uint64_t)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, send_message, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    install(filter);
}

/// Exits with 0 when `choice` was served by epoll, I/O included, although `call` is forbidden.
[[noreturn]] void serve_without(unsigned call, const char* choice) {
    forbid(call);
    ::setenv("WEFT_IO", choice, 1);
    const std::string made = message_of_making(runtime_options());
    const std::string again = message_of_making(runtime_options());
    const bool works =
        block_on(connect_pair()).client.is_open() && !block_on(fs::read_all_text("/proc/self/status")).empty();
    std::fprintf(stderr, "first %s, then %s\n", made.c_str(), again.c_str());
    std::_Exit(works && made == "made with epoll" && again == made ? 0 : 1);
}

class io_uring_refused : public ::testing::Test {
protected:
    void SetUp() override { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

// The reason stands there once, although two runtimes were made.
TEST_F(io_uring_refused, at_setup_epoll_serves_and_says_why) {
    EXPECT_EXIT(serve_without(__NR_io_uring_setup, "auto"), ::testing::ExitedWithCode(0),
        "^weft: I/O goes through epoll, because io_uring_setup failed: operation not permitted \\(EPERM\\)\nfirst");
}

TEST_F(io_uring_refused, only_when_it_is_used_epoll_serves_too) {
    EXPECT_EXIT(serve_without(__NR_io_uring_enter, "auto"), ::testing::ExitedWithCode(0), "because io_uring_enter failed");
    EXPECT_EXIT(serve_without(__NR_io_uring_register, "auto"), ::testing::ExitedWithCode(0),
        "because registering an io_uring buffer ring failed");
}

// The threads of the runtime sleep in their rings, and are woken by this one for each operation and each piece of work. The messages are
// refused from the start, or once rings exist that could send them.
void wake_without_messages(bool from_the_start) {
    if (from_the_start) forbid_messages_without_a_ring();
    runtime_options options;
    options.driver = "io_uring";
    options.min_threads = 2;
    runtime made(options);
    // A filter is its thread's and that of the threads it starts, so this one wakes without messages and the runtime's with them.
    if (!from_the_start) forbid_messages_without_a_ring();
    for (int i = 0; i < 50; ++i) {
        if (!block_on(made, &connect_pair).client.is_open()) std::_Exit(1);
    }
    std::_Exit(made.io_driver().name() == "io_uring" ? 0 : 2);
}

TEST_F(io_uring_refused, without_messages_an_eventfd_wakes_the_rings) {
    EXPECT_EXIT(wake_without_messages(true), ::testing::ExitedWithCode(0), "");
    EXPECT_EXIT(wake_without_messages(false), ::testing::ExitedWithCode(0), "");
}

TEST_F(io_uring_refused, asking_for_it_by_name_is_an_error) {
    const auto ask = [] {
        forbid(__NR_io_uring_setup);
        ::setenv("WEFT_IO", "io_uring", 1);
        std::fprintf(stderr, "%s\n", message_of_making(runtime_options()).c_str());
        std::_Exit(0);
    };
    EXPECT_EXIT(ask(), ::testing::ExitedWithCode(0),
        "WEFT_IO='io_uring' cannot be served: io_uring_setup failed: operation not permitted \\(EPERM\\); use 'auto' or "
        "'epoll'");
}

}  // namespace
