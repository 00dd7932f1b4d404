#pragma once
// tests/support/ui_scenario.hpp: what a handler of a user interface does in the tests of Qt and GLib, and the heartbeat beside it.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "weft/delay.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/http/client.hpp"
#include "weft/http/server.hpp"
#include "weft/run.hpp"
#include "weft/synchronization_context.hpp"

namespace weft_test {

/// Notes the longest time between two beats, which the test's timer gives on the thread of the loop.
class heartbeat {
public:
    void beat() {
        const auto now = std::chrono::steady_clock::now();
        if (beats_++ > 0) longest_ = std::max(longest_, now - last_);
        last_ = now;
    }
    [[nodiscard]] int beats() const noexcept { return beats_; }
    [[nodiscard]] double longest_ms() const noexcept { return std::chrono::duration<double, std::milli>(longest_).count(); }

private:
    std::chrono::steady_clock::time_point last_;
    std::chrono::steady_clock::duration longest_{};
    int beats_ = 0;
};

/// The smallest of several runs' longest gaps, until one is small enough: a machine that is busy with other things may hold up a
/// loop for a while, but a handler that blocks holds it up in every run.
template <class Run>
[[nodiscard]] double smallest_gap(Run run) {
    double smallest = run();
    for (int round = 0; round < 9 && smallest >= 20.0; ++round) smallest = std::min(smallest, run());
    return smallest;
}

/// A server that takes its time, and a file.
class ui_surroundings {
public:
    ui_surroundings()
        : server_([](weft::http::request&) { return answer(); }),
          path_("/tmp/weft-ui-" + std::to_string(::getpid()) + ".txt") {
        server_.start(weft::net::endpoint::loopback_v4());
        std::ofstream(path_) << std::string(1 << 20, 'x');
    }
    ~ui_surroundings() {
        const weft::synchronization_context_scope none(nullptr);  // nobody pumps the loop any more
        server_.stop(std::chrono::seconds(1)).wait();
        std::remove(path_.c_str());
    }
    ui_surroundings(const ui_surroundings&) = delete;
    ui_surroundings& operator=(const ui_surroundings&) = delete;

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(server_.local_endpoint().port()) + "/";
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    static weft::task<weft::http::response> answer() {
        co_await weft::delay(std::chrono::milliseconds(120));
        co_return weft::http::response::text("answered");
    }

    weft::http::server server_;
    std::string path_;
};

inline std::uint64_t compute_for(std::chrono::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    std::uint64_t value = 1;
    while (std::chrono::steady_clock::now() < until)
        for (int round = 0; round < 1000; ++round) value = value * 6364136223846793005U + 1442695040888963407U;
    return value;
}

/// Awaits an HTTP call, a file and a computation on the pool, and expects to be back on its thread and in its context each time.
/// Owns what it is given.
inline weft::task<> handle_everything(std::string url, std::string path) {
    const std::thread::id loop_thread = std::this_thread::get_id();
    weft::synchronization_context* const context = weft::synchronization_context::current();
    EXPECT_NE(context, nullptr);
    const auto is_back = [&] {
        EXPECT_EQ(std::this_thread::get_id(), loop_thread);
        EXPECT_EQ(weft::synchronization_context::current(), context);
    };
    weft::http::client http;
    const std::string body = co_await http.get_string(std::move(url));
    is_back();
    EXPECT_EQ(body, "answered");
    const std::string text = co_await weft::fs::read_all_text(std::move(path));
    is_back();
    EXPECT_EQ(text.size(), std::size_t{1} << 20);
    weft::task<std::uint64_t> computation = weft::run(&compute_for, std::chrono::milliseconds(120));
    const std::uint64_t computed = co_await computation;
    is_back();
    EXPECT_NE(computed, 0U);
    co_await weft::delay(std::chrono::milliseconds(20));
    is_back();
}

}  // namespace weft_test
