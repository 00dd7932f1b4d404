// tests/io/shutdown_stress_test.cpp: a runtime is stopped at a random moment, with everything going on: it ends by its deadline, says
// what did not stop, and leaves nothing. WEFT_SHUTDOWNS: how often.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/file.hpp"
#include "weft/run_blocking.hpp"
#include "weft/scheduling/yield.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft;
using namespace weft_test;
using clock = std::chrono::steady_clock;

/// What lives in frames; none may be left.
struct witness {
    static inline std::atomic<int> alive{0};
    witness() { ++alive; }
    witness(const witness&) = delete;
    witness& operator=(const witness&) = delete;
    ~witness() { --alive; }
};

task<> echo(net::tcp_stream stream) {
    const witness here;
    std::array<char, 256> buffer{};
    try {
        for (;;) {
            const std::size_t count = co_await stream.read(std::span<char>(buffer));
            if (count == 0) co_return;
            co_await stream.write(std::string_view(buffer.data(), count));
        }
    } catch (const io_error&) {
        // The other end went first.
    }
}

task<> serve(net::tcp_listener listener) {
    const witness here;
    for (;;) {
        net::tcp_stream accepted = co_await listener.accept();
        echo(std::move(accepted)).forget();
    }
}

task<> chatter(net::endpoint to) {
    const witness here;
    net::tcp_stream stream = co_await net::tcp_stream::connect(to);
    std::array<char, 256> buffer{};
    try {
        for (;;) {
            co_await stream.write("a line of words");
            static_cast<void>(co_await stream.read(std::span<char>(buffer)));
        }
    } catch (const io_error&) {
        // The other end went first.
    }
}

task<> scribble(std::string path) {
    const witness here;
    fs::file paper = co_await fs::file::open(path, fs::open_mode::write | fs::open_mode::read | fs::open_mode::create);
    std::array<std::byte, 512> bytes{};
    for (std::uint64_t at = 0;; at = (at + bytes.size()) % 65'536) {
        co_await paper.write_at(at, bytes);
        static_cast<void>(co_await paper.read_at(at, bytes));
    }
}

/// Cancellation is nothing to it.
task<> stubborn() {
    const witness here;
    for (;;) co_await delay(1ms);
}

task<> compute_now_and_then() {
    const witness here;
    for (;;) {
        co_await run_blocking([] { std::this_thread::sleep_for(1ms); });
        co_await yield();
    }
}

task<> begin(std::string folder) {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    const net::endpoint where = listener.local_endpoint();
    serve(std::move(listener)).forget();
    for (int i = 0; i < 8; ++i) chatter(where).forget();
    for (int i = 0; i < 2; ++i) scribble(folder + "/" + std::to_string(i)).forget();
    stubborn().forget();
    compute_now_and_then().forget();
    co_return;
}

int how_often() {
    const char* text = std::getenv("WEFT_SHUTDOWNS");
    return text == nullptr ? scaled(60) : std::atoi(text);
}

TEST(io_shutdown, at_a_random_moment_it_ends_in_time_says_what_was_left_and_leaves_nothing) {
    // In memory where there is such a place: a disk that others keep busy may hold a write, and its thread, for longer than a second.
    const bool in_memory = ::access("/dev/shm", W_OK) == 0;
    std::string folder = in_memory ? "/dev/shm/weft-shutdown-XXXXXX" : "/tmp/weft-shutdown-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    { const runtime first; }  // what a process opens once
    const int before = open_descriptors();
    std::mt19937 random(11);
    clock::duration longest{};
    for (int round = 0; round < how_often() && !HasFailure(); ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const auto deadline = std::chrono::milliseconds(random() % 40);
        {
            runtime_options options;
            options.min_threads = 2;
            runtime where(options);
            block_on(where, &begin, folder);
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));
            const auto asked = clock::now();
            const shutdown_report report = where.shutdown(deadline);
            longest = std::max(longest, clock::now() - asked - deadline);
            EXPECT_FALSE(report.operations_left) << report.to_string();
            EXPECT_EQ(report.running_threads, 0U) << report.to_string();
            // The stubborn one at least, by name.
            EXPECT_GE(report.suspended_tasks, 1U) << report.to_string();
            EXPECT_FALSE(report.left.empty());
        }
        EXPECT_EQ(witness::alive.load(), 0);
        EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }))
            << open_descriptors() - before << " left open";
    }
    std::printf("%d shutdowns; the latest ended %.1f ms after its deadline\n", how_often(),
        std::chrono::duration<double, std::milli>(longest).count());
    // Threads that are late on a busy machine, not a task that is waited for.
    EXPECT_LT(longest, 5s);
    std::filesystem::remove_all(folder);
}

}  // namespace
