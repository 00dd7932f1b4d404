// tests/io/descriptors_stress_test.cpp: accepting without descriptors, for real seconds. In a process of its own, so that nothing else
// suffers.
// SPDX-License-Identifier: MIT

#include <array>
#include <chrono>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

using out_of_descriptors_DeathTest = io_test;

/// Descriptors until there is no more.
std::vector<int> take_all_descriptors() {
    std::vector<int> taken;
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) taken.push_back(fd);
    return taken;
}

task<bool> serve_one(tcp_listener& listener) {
    tcp_stream server = co_await listener.accept();
    std::array<char, 8> room{};
    const std::size_t count = co_await server.read(std::span<char>(room));
    co_return count == 5;
}

double processor_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

/// @returns 0 when all went well, or the step that did not
task<int> run_out() {
    const rlimit few{128, 128};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) co_return 1;
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    // One connection waits in the line while the descriptors are gone.
    tcp_stream client = co_await tcp_stream::connect(listener.local_endpoint());
    std::vector<int> taken = take_all_descriptors();
    const double before = processor_seconds();
    task<bool> serving = serve_one(listener);
    co_await delay(300ms);
    if (serving.is_completed()) co_return 2;
    if (processor_seconds() - before > 0.2) co_return 3;  // it spins
    for (const int fd : taken) ::close(fd);
    co_await client.write(std::string_view("hello"));
    const bool served = co_await std::move(serving);
    co_return served ? 0 : 4;
}

/// The same for longer: who waits in the line learns that there is no service.
task<int> shed() {
    const rlimit few{128, 128};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) co_return 1;
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    tcp_stream client = co_await tcp_stream::connect(listener.local_endpoint());
    std::vector<int> taken = take_all_descriptors();
    task<bool> serving = serve_one(listener);
    std::array<char, 8> room{};
    cancellation_source late(10s);
    std::size_t count = 1;
    try {
        count = co_await client.read(std::span<char>(room), late.token());
    } catch (const io_error&) {
        count = 0;
    }
    if (count != 0) co_return 2;
    if (serving.is_completed()) co_return 3;
    for (const int fd : taken) ::close(fd);
    tcp_stream again = co_await tcp_stream::connect(listener.local_endpoint());
    co_await again.write(std::string_view("hello"));
    const bool served = co_await std::move(serving);
    co_return served ? 0 : 4;
}

// One line on standard error, not one for each try.
constexpr const char* one_report = "^(weft: I/O goes[^\n]*\n)?weft: accept on '127[^\n]*EMFILE[^\n]*\n$";

TEST_F(out_of_descriptors_DeathTest, accept_waits_without_spinning_says_so_once_and_goes_on) {
    if (WEFT_ASAN)
        GTEST_SKIP() << "the undefined-behaviour sanitizer looks at memory through pipes, and reports when it gets none";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::_Exit(block_on(run_out())), ::testing::ExitedWithCode(0), one_report);
}
TEST_F(out_of_descriptors_DeathTest, who_waits_too_long_is_turned_away) {
    if (WEFT_ASAN)
        GTEST_SKIP() << "the undefined-behaviour sanitizer looks at memory through pipes, and reports when it gets none";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::_Exit(block_on(shed())), ::testing::ExitedWithCode(0), one_report);
}

}  // namespace
