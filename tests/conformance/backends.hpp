#pragma once
// tests/conformance/backends.hpp: the three drivers, under which each case of the conformance tests runs and must give the same
// answers.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "weft/io/io_driver.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::testing {
class simulated_io;
}

namespace weft_test {

enum class backend : std::uint8_t { simulated, epoll, io_uring };
std::string name_of(backend which);

/// What a case gets.
struct stage {
    weft::io_driver& driver;
    std::string folder;                                ///< an empty one
    weft::testing::simulated_io* simulated = nullptr;  ///< its world, where it is one
};

/// Runs the case: once on a kernel's driver, under some seeds and kinds of network in the simulation; and sees to it that no
/// descriptor and no operation is left.
void run_on(backend which, const std::function<weft::task<>(stage&)>& body);

class drivers : public ::testing::TestWithParam<backend> {};

/// One record in flight. Lives until its result has come.
class pending : weft::io_operation {
public:
    pending(stage& on, weft::io_kind what, int of, const void* data = nullptr, std::size_t size = 0,
        std::uint64_t at = no_offset, std::uint32_t with = 0);

    [[nodiscard]] weft::task<int> result() { return answer_.task(); }
    [[nodiscard]] int result_now() const noexcept { return io_operation::result; }
    void cancel() { driver_->cancel(*this); }
    [[nodiscard]] bool is_done() { return answer_.task().is_completed(); }

private:
    static void answered(weft::io_operation& operation) noexcept;

    weft::io_driver* driver_;
    // Asynchronously: a driver may hold locks while it completes.
    weft::task_completion_source<int> answer_{weft::creation_options::run_continuations_asynchronously};
};

/// The record from start to end. @returns its result
weft::task<int> perform(stage& on, weft::io_kind what, int of, const void* data = nullptr, std::size_t size = 0,
    std::uint64_t at = weft::io_operation::no_offset, std::uint32_t with = 0);

weft::task<int> receive(stage& on, int fd, char* buffer, std::size_t size);
weft::task<int> send(stage& on, int fd, std::string_view text);
/// Until the end or an error, which is then appended: "abc" "abc!ECONNRESET".
weft::task<std::string> receive_all(stage& on, int fd);
/// All of it. @returns 0 or the error
weft::task<int> send_all(stage& on, int fd, std::string_view text);
/// Waits for POLLIN or POLLOUT.
weft::task<int> ready(stage& on, int fd, std::uint32_t events);

/// A listener on the loopback. @param where  is set to its address
int listening(stage& on, weft::net::endpoint& where, int backlog = 16);
weft::task<int> connect(stage& on, int fd, weft::net::endpoint to);
weft::net::endpoint name_of(stage& on, int fd, bool peer);
void reset_on_close(stage& on, int fd);

struct two_ends {
    int client;
    int server;
};
weft::task<two_ends> connected(stage& on);
void close_both(stage& on, two_ends which);

/// Whether `value` is one of the answers that are allowed; if not, says which.
::testing::AssertionResult one_of(int value, std::initializer_list<int> allowed);

}  // namespace weft_test

/// A case that holds on every driver: the body is a coroutine with a `stage& on`.
#define DRIVER_CASE(promise)                                                  \
    static ::weft::task<> promise(::weft_test::stage& on);                    \
    TEST_P(drivers, promise) { ::weft_test::run_on(GetParam(), &::promise); } \
    ::weft::task<> promise([[maybe_unused]] ::weft_test::stage& on)
