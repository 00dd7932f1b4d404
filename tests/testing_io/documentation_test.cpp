// tests/testing_io/documentation_test.cpp: the programs of docs/simulation.md.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "weft/base/error.hpp"
#include "weft/delay.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/net/tcp.hpp"
#include "weft/task.hpp"
#include "weft/testing/explore.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;
using weft::testing::simulated_io;
using weft::testing::simulated_node;

// A service as it runs in production: each byte it gets is counted, on disk, before it is answered.
task<> serve_counter(net::endpoint where) {
    int count = 0;
    try {
        const std::string text = co_await fs::read_all_text("/data/count");
        count = std::atoi(text.c_str());
    } catch (const io_error&) {
        // The first start.
    }
    fs::file disk = co_await fs::file::open("/data/count", fs::open_mode::write | fs::open_mode::create);
    net::tcp_listener listener = net::tcp_listener::bind(where);
    for (;;) {
        net::tcp_stream client = co_await listener.accept();
        std::array<char, 1> byte{};
        try {
            for (;;) {
                const std::size_t got = co_await client.read(std::span<char>(byte));
                if (got == 0) break;
                const std::string text = std::to_string(++count);
                co_await disk.write_at(0, std::as_bytes(std::span(text)));
                co_await disk.sync();
                co_await client.write(text + "\n");
            }
        } catch (const io_error&) {
            // That client is gone.
        }
    }
}

/// @returns the count after this one
task<int> increment(net::endpoint where) {
    net::tcp_stream stream = co_await net::tcp_stream::connect(where);
    co_await stream.write(std::string_view("+"));
    std::string answer;
    std::array<char, 16> buffer{};
    while (!answer.ends_with('\n')) {
        const std::size_t got = co_await stream.read(std::span<char>(buffer));
        if (got == 0) throw invalid_operation("the server went away");
        answer.append(buffer.data(), got);
    }
    co_return std::atoi(answer.c_str());
}

task<> count_across_a_crash(simulated_io& io) {
    const simulated_node server = io.node("server"), client = io.node("client");
    task<> first = server.run(&serve_counter, server.at(80));
    co_await delay(1s);
    for (int expected = 1; expected <= 3; ++expected) {
        const int count = co_await client.run(&increment, server.at(80));
        EXPECT_EQ(count, expected);
    }
    server.crash();
    server.restart();
    task<> second = server.run(&serve_counter, server.at(80));
    co_await delay(1s);
    const int count = co_await client.run(&increment, server.at(80));
    EXPECT_EQ(count, 4) << "an answer that was given is not taken back";
}

TEST(documentation, a_counter_keeps_its_promise_across_a_crash) {
    for (std::uint64_t seed = 0; seed < 100 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        deterministic_scheduler world(seed);
        simulated_io io(world);
        io.network().latency(1ms, 20ms);
        io.faults().disk_latency(1ms, 5ms);
        io.faults().short_reads();
        io.faults().torn_writes();
        world.run(count_across_a_crash(io));
    }
}

TEST(documentation, a_counter_keeps_its_promise_under_the_explorer) {
    const auto done =
        weft::testing::explore({.schedules = 200, .tasks_may_remain = true}, [](weft::testing::world& w) -> task<> {
            simulated_io io(w.scheduler());
            io.faults().short_reads();
            co_await count_across_a_crash(io);
        });
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_GT(done.distinct, 1U);
}

}  // namespace
