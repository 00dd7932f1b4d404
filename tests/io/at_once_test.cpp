// tests/io/at_once_test.cpp: what lies ready is taken without waiting, in order, whole, and at nobody's expense.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "folder.hpp"
#include "support.hpp"
#include "weft/fs/temporary.hpp"
#include "weft/net/udp.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/task/task_completion_source.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;
using net::udp_socket;

using at_once = io_test;

task<> take_bursts() {
    constexpr int burst = 40;
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 16> room{};
    int next = 0;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < burst; ++i) co_await client.send_to(server.local_endpoint(), std::to_string(next + i));
        for (int i = 0; i < burst; ++i, ++next) {
            const net::received_datagram got = co_await server.receive_from(room);
            EXPECT_EQ(std::string(reinterpret_cast<const char*>(room.data()), got.size), std::to_string(next));
            EXPECT_EQ(got.from, client.local_endpoint());
        }
        // Nothing is left: a receive waits for what has yet to be sent.
        task<net::received_datagram> waiting = server.receive_from(room);
        EXPECT_FALSE(waiting.is_completed());
        co_await client.send_to(server.local_endpoint(), "end");
        const net::received_datagram last = co_await std::move(waiting);
        EXPECT_EQ(last.size, 3U);
    }
    co_await server.close();
    co_await client.close();
}
TEST_F(at_once, bursts_of_datagrams_come_in_order_and_then_nothing) { block_on(take_bursts()); }

task<> read_in_small_pieces() {
    connection both = co_await connect_pair();
    std::string sent;
    while (sent.size() < 60'000) sent += std::to_string(sent.size()) + ' ';
    co_await both.client.write(sent);
    co_await both.client.close();
    std::string heard;
    std::array<char, 97> piece{};
    while (const std::size_t count = co_await both.server.read(std::span<char>(piece))) heard.append(piece.data(), count);
    EXPECT_EQ(heard, sent);
    // The end stays the end.
    const std::size_t again = co_await both.server.read(std::span<char>(piece));
    EXPECT_EQ(again, 0U);
    co_await both.server.close();
}
TEST_F(at_once, a_stream_that_is_read_in_small_pieces_is_whole_and_ends) { block_on(read_in_small_pieces()); }

task<> accept_in_bursts() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    const endpoint local = listener.local_endpoint();
    for (const int burst : {1, 1, 12, 1, 7, 1, 1}) {
        std::vector<tcp_stream> clients;
        for (int i = 0; i < burst; ++i) {
            tcp_stream client = co_await tcp_stream::connect(local);
            clients.push_back(std::move(client));
        }
        for (tcp_stream& client : clients) {
            tcp_stream server = co_await listener.accept();
            EXPECT_EQ(server.remote_endpoint(), client.local_endpoint());
            co_await server.close();
            co_await client.close();
        }
        task<tcp_stream> waiting = listener.accept();
        EXPECT_FALSE(waiting.is_completed());
        tcp_stream late = co_await tcp_stream::connect(local);
        tcp_stream server = co_await std::move(waiting);
        co_await late.close();
        co_await server.close();
    }
    co_await listener.close();
}
TEST_F(at_once, connections_are_accepted_one_by_one_and_in_bursts) { block_on(accept_in_bursts()); }

task<> accept_until_cancelled() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    tcp_stream client = co_await tcp_stream::connect(listener.local_endpoint());
    tcp_stream server = co_await listener.accept();
    // The listener is known to be empty now, and the next accept waits before it looks.
    cancellation_source stop;
    task<tcp_stream> waiting = listener.accept(stop.token());
    stop.cancel();
    const std::string why = co_await failure_of(std::move(waiting));
    EXPECT_NE(why.find("cancel"), std::string::npos) << why;
    task<tcp_stream> closed = listener.accept();
    co_await listener.close();
    const std::string ended = co_await failure_of(std::move(closed));
    EXPECT_NE(ended.find("was canceled: it was closed meanwhile"), std::string::npos) << ended;
    co_await client.close();
    co_await server.close();
}
TEST_F(at_once, an_accept_that_waits_is_cancelled_and_closed_like_any_other) { block_on(accept_until_cancelled()); }

// ---- on one worker, at nobody's expense

task<> count_turns(const bool& over, int& turns) {
    while (!over) {
        ++turns;
        co_await yield();
    }
}

task<> take_datagrams(int count) {
    constexpr int burst = 50;
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 4> room{};
    for (int taken = 0; taken < count; taken += burst) {
        for (int i = 0; i < burst; ++i) co_await server.send_to(server.local_endpoint(), "x");
        for (int i = 0; i < burst; ++i) static_cast<void>(co_await server.receive_from(room));
    }
    co_await server.close();
}

task<> read_blocks(int count) {
    task<fs::temporary_file> making = fs::temporary_file::create();
    fs::temporary_file temporary = co_await std::move(making);
    const std::string content(4096, 'x');
    co_await temporary.opened().write_at(0, std::as_bytes(std::span(content)));
    std::array<std::byte, 512> room{};
    for (int i = 0; i < count; ++i) {
        const std::size_t got = co_await temporary.opened().read_at(static_cast<std::uint64_t>(i % 8) * 512, room);
        EXPECT_EQ(got, room.size());
    }
    co_await temporary.dispose();
}

/// Reads on until `over`.
task<int> read_blocks_until(const std::atomic<bool>& over) {
    task<fs::temporary_file> making = fs::temporary_file::create();
    fs::temporary_file temporary = co_await std::move(making);
    const std::string content(4096, 'x');
    co_await temporary.opened().write_at(0, std::as_bytes(std::span(content)));
    std::array<std::byte, 512> room{};
    int reads = 0;
    for (; !over; ++reads) {
        const std::size_t got = co_await temporary.opened().read_at(0, room);
        EXPECT_EQ(got, room.size());
    }
    co_await temporary.dispose();
    co_return reads;
}

/// What is nobody's own has its turn, too: timers, and work of other threads. If it had none, this would not end.
task<> others_beside_a_reader() {
    std::atomic<bool> over{false};
    task<int> reading = read_blocks_until(over);
    for (int i = 0; i < 5; ++i) co_await delay(std::chrono::milliseconds(1));
    task_completion_source<int> from_outside(creation_options::run_continuations_asynchronously);
    std::thread outside([&from_outside] { from_outside.set_result(7); });
    const int told = co_await from_outside.task();
    EXPECT_EQ(told, 7);
    outside.join();
    over = true;
    const int reads = co_await std::move(reading);
    EXPECT_GT(reads, 0);
}

TEST_F(at_once, who_reads_the_page_cache_for_ever_holds_up_no_timer_and_no_work_from_outside) {
    runtime_options options;
    options.min_threads = options.max_threads = 1;
    runtime single(options);
    block_on(single, &others_beside_a_reader);
}

/// How often another task had its turn while `reading` went on, on the same and only worker.
task<int> turns_beside(task<> (*reading)(int), int reads) {
    bool over = false;
    int turns = 0;
    task<> other = count_turns(over, turns);
    co_await reading(reads);
    over = true;
    co_await std::move(other);
    co_return turns;
}

int turns_on_one_worker(task<> (*reading)(int), int reads) {
    runtime_options options;
    options.min_threads = options.max_threads = 1;
    runtime single(options);
    return block_on(single, &turns_beside, reading, reads);
}

TEST_F(at_once, who_finds_datagrams_each_time_lets_others_run) {
    if (runtime::default_runtime().io_driver().name() != "io_uring")
        GTEST_SKIP() << "epoll takes datagrams without a suspension";
    const int turns = turns_on_one_worker(&take_datagrams, 500);
    EXPECT_GE(turns, 400);
}
TEST_F(at_once, who_finds_blocks_in_the_page_cache_each_time_lets_others_run) {
    const int turns = turns_on_one_worker(&read_blocks, 500);
    EXPECT_GE(turns, 400);
}

}  // namespace
