// tests/testing_io/explored_faults_test.cpp: what a kernel may do to an operation, as choices of an exploration: all of them up to a bound, or some at
// random; and what fails is short and can be repeated.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

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
using weft::testing::exploration;
using weft::testing::explore;
using weft::testing::explore_options;
using weft::testing::simulated_io;
using weft::testing::simulated_node;
using weft::testing::world;

/// A frame: a byte that says how many follow, and those.
constexpr std::string_view frame{
    "\x03"
    "abc",
    4};

/// @returns the payload. Reads what it needs, however it comes.
task<std::string> read_frame(net::tcp_stream& from) {
    std::array<std::byte, 1> size{};
    co_await from.read_exactly(std::span<std::byte>(size));
    std::vector<std::byte> payload(static_cast<std::size_t>(size[0]));
    co_await from.read_exactly(std::span<std::byte>(payload));
    co_return std::string(reinterpret_cast<const char*>(payload.data()), payload.size());
}

/// The same, by someone who has only tried it on a good day.
task<std::string> read_frame_carelessly(net::tcp_stream& from) {
    std::array<char, 16> buffer{};
    const std::size_t count = co_await from.read(std::span<char>(buffer));
    if (count < 1) co_return std::string();
    co_return std::string(buffer.data() + 1, count - 1);
}

using reader = task<std::string> (*)(net::tcp_stream&);

task<> echo_frame(net::tcp_listener& listener, reader read) {
    net::tcp_stream peer = co_await listener.accept();
    const std::string payload = co_await read(peer);
    std::string answer(1, static_cast<char>(payload.size()));
    answer += payload;
    co_await peer.write(std::string_view(answer));
    co_await peer.close();
}

task<std::string> ask(net::endpoint where) {
    net::tcp_stream stream = co_await net::tcp_stream::connect(where);
    co_await stream.write(frame);
    std::string payload = co_await read_frame(stream);
    co_await stream.close();
    co_return payload;
}

/// The error that `work` ends with, or 0. Whoever fails ends the other, who may wait for it.
task<int> ended(task<> work, net::tcp_listener& listener) {
    int error = 0;
    try {
        co_await std::move(work);
    } catch (const io_error& failed) {
        error = failed.code().value();
    } catch (const operation_canceled&) {
        error = ECANCELED;
    }
    if (error != 0) co_await listener.close();
    co_return error;
}

task<> ask_and_compare(net::endpoint where) {
    const std::string payload = co_await ask(where);
    world::current().check(payload == "abc", "the payload is " + payload);
}

/// @returns 0 when everything went well, else the error of one side
task<int> exchange(reader read) {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4(80));
    task<int> serving = ended(echo_frame(listener, read), listener);
    task<int> asking = ended(ask_and_compare(listener.local_endpoint()), listener);
    const int of_client = co_await asking;
    const int of_server = co_await serving;
    co_await listener.close();
    co_return of_client != 0 ? of_client : of_server;
}

constexpr io_kind kinds[] = {io_kind::recv, io_kind::accept, io_kind::connect, io_kind::send};

/// Every read may be short, and every operation of the first `kinds_that_fail` may fail: `faults` of them in a run.
task<> faulty_exchange(world& w, reader read, std::size_t faults, std::size_t kinds_that_fail = std::size(kinds)) {
    simulated_io io(w.scheduler());
    io.faults().short_reads();
    io.faults().short_writes(kinds_that_fail == std::size(kinds));
    for (const io_kind kind : std::span(kinds).first(kinds_that_fail)) io.faults().fail_one_in(kind, EIO, 100);
    io.faults().at_most(faults);
    const int error = co_await exchange(read);
    w.probe(error == 0 ? "went well" : "failed");
    w.check(faults != 0 || error == 0, "an error without a fault");
    w.check(io.open_descriptors() == 0, "a descriptor is left open");
}

TEST(explored_faults, an_exhaustive_search_sees_every_length_and_every_failure) {
    std::set<std::size_t> lengths;
    const exploration done =
        explore({.schedules = 100'000, .exhaustive = true, .preemption_bound = 0}, [&](world& w) -> task<> {
            simulated_io io(w.scheduler());
            const simulated_node here = io.local();
            here.files().put("/data/five", "12345");
            io.faults().short_reads();
            io.faults().fail_one_in(io_kind::read, EIO, 1000);
            io.faults().at_most(1);
            fs::file five = co_await fs::file::open("/data/five", fs::open_mode::read);
            std::array<std::byte, 8> room{};
            try {
                const std::size_t count = co_await five.read_at(0, std::span<std::byte>(room));
                lengths.insert(count);
            } catch (const io_error& failed) {
                w.check(failed.code().value() == EIO, "the error that was asked for");
                w.probe("failed");
            }
            co_await five.close();
        });
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_TRUE(done.exhausted);
    EXPECT_EQ(lengths, (std::set<std::size_t>{1, 2, 3, 4, 5}));
    // All of it, four shorter reads, and the failure: one in a thousand is one branch and not 999.
    EXPECT_EQ(done.schedules, 6U);
    EXPECT_EQ(done.probes.at("failed"), 1U);
}

TEST(explored_faults, a_limit_makes_the_search_finite) {
    std::size_t before = 0;
    for (const std::size_t faults : {0U, 1U, 2U}) {
        const exploration done = explore({.schedules = 200'000, .exhaustive = true, .preemption_bound = 0},
            [faults](world& w) { return faulty_exchange(w, &read_frame, faults); });
        EXPECT_TRUE(done.ok()) << done.to_string();
        EXPECT_TRUE(done.exhausted) << done.to_string();
        EXPECT_GT(done.schedules, before);
        EXPECT_EQ(done.probes.contains("failed"), faults != 0);
        before = done.schedules;
    }
}

TEST(explored_faults, orders_are_tried_with_the_faults) {
    const exploration done = explore({.schedules = 200'000, .exhaustive = true, .preemption_bound = 1},
        [](world& w) { return faulty_exchange(w, &read_frame, 1, 1); });
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_TRUE(done.exhausted) << done.to_string();
}

TEST(explored_faults, a_reader_that_expects_whole_reads_is_found_by_a_search_and_by_chance) {
    const auto careless = [](world& w) { return faulty_exchange(w, &read_frame_carelessly, 2); };
    for (const bool exhaustive : {true, false}) {
        SCOPED_TRACE(exhaustive ? "exhaustive" : "portfolio");
        explore_options options;
        options.schedules = 20'000;
        options.exhaustive = exhaustive;
        options.preemption_bound = 0;
        const exploration done = explore(options, careless);
        ASSERT_FALSE(done.ok());
        EXPECT_NE(done.failure->message.find("the payload is"), std::string::npos) << done.to_string();
        EXPECT_LE(done.failure->choices, 2U) << "one short transfer is enough\n" << done.to_string();
        EXPECT_NE(done.failure->report.find("_count: "), std::string::npos) << done.to_string();
        // The same again, from its text alone.
        explore_options again;
        again.replay = done.failure->replay;
        const exploration repeated = explore(again, careless);
        ASSERT_FALSE(repeated.ok());
        EXPECT_EQ(repeated.schedules, 1U);
        EXPECT_EQ(repeated.failure->message, done.failure->message);
    }
}

TEST(explored_faults, how_long_something_takes_is_a_fault_that_is_counted) {
    std::set<std::int64_t> times;
    const exploration done =
        explore({.schedules = 10'000, .exhaustive = true, .preemption_bound = 0}, [&](world& w) -> task<> {
            simulated_io io(w.scheduler());
            io.faults().disk_latency(1ms, 8ms);
            io.faults().at_most(1);
            const auto begin = w.clock().now();
            co_await fs::write_all_text("/data/a", "text");
            times.insert((w.clock().now() - begin) / 1ms);
        });
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_TRUE(done.exhausted);
    EXPECT_EQ(times.size(), 8U) << "the least, and seven longer ones of one operation";
}

}  // namespace
