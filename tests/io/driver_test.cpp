// tests/io/driver_test.cpp: the driver's own promises, below sockets and files: every record is answered exactly once.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.hpp"
#include "support/allocation_counter.hpp"
#include "weft/base/error.hpp"
#include "weft/io/io_driver.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/thread_pool.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

using io_drivers = io_test;

io_driver& the_driver() { return dynamic_cast<io_driver&>(runtime::default_runtime().io_driver()); }

/// A record that counts its answers.
struct counted_operation : io_operation {
    std::atomic<int>* total = nullptr;
    std::atomic<int> answers = 0;

    counted_operation() : io_operation(io_kind::nop, &count) {}
    static void count(io_operation& operation) noexcept {
        auto& self = static_cast<counted_operation&>(operation);
        self.answers.fetch_add(1);
        self.total->fetch_add(1);
    }
    void start() {
        if (!the_driver().submit(*this)) count(*this);
    }
};

void answer_all(int how_many, const std::function<void(const std::function<void()>&)>& start_on) {
    std::atomic<int> total{0};
    const auto records = std::make_unique<counted_operation[]>(static_cast<std::size_t>(how_many));
    for (int i = 0; i < how_many; ++i) records[static_cast<std::size_t>(i)].total = &total;
    std::atomic<bool> started{false};
    start_on([&] {
        for (int i = 0; i < how_many; ++i) records[static_cast<std::size_t>(i)].start();
        started = true;
    });
    EXPECT_TRUE(eventually([&] { return started.load(); }));
    EXPECT_TRUE(eventually([&] { return total.load() == how_many; })) << total.load() << " of " << how_many;
    for (int i = 0; i < how_many; ++i) EXPECT_EQ(records[static_cast<std::size_t>(i)].answers.load(), 1);
    EXPECT_TRUE(eventually([] { return !the_driver().has_operations(); }));
}

// Far more than the rings hold: the submission queue fills, and the completion queue overflows into the kernel.
TEST_F(io_drivers, a_flood_from_one_worker_is_answered_in_full) {
    answer_all(scaled(40000), [](const std::function<void()>& start) { thread_pool::shared().post(start); });
}

TEST_F(io_drivers, a_flood_from_a_foreign_thread_is_answered_in_full) {
    answer_all(scaled(40000), [](const std::function<void()>& start) { std::thread(start).join(); });
}

TEST_F(io_drivers, a_record_cancelled_before_it_starts_ends_in_the_call) {
    io_operation never(io_kind::recv, [](io_operation&) noexcept { ADD_FAILURE() << "completed"; });
    the_driver().cancel(never);
    EXPECT_FALSE(the_driver().submit(never));
    EXPECT_EQ(never.result, -ECANCELED);
}

TEST_F(io_drivers, an_impossible_descriptor_is_an_error_not_a_hang) {
    std::atomic<int> total{0};
    counted_operation wrong;
    wrong.total = &total;
    wrong.kind = io_kind::recv;
    wrong.fd = -1;
    wrong.start();
    EXPECT_TRUE(eventually([&] { return total.load() == 1; }));
    EXPECT_EQ(wrong.result, -EBADF);
}

TEST_F(io_drivers, readiness_can_be_waited_for_alone) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    std::atomic<int> total{0};
    counted_operation readable;
    readable.total = &total;
    readable.kind = io_kind::poll;
    readable.fd = ends[0];
    readable.flags = POLLIN;
    readable.start();
    EXPECT_EQ(total.load(), 0);
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
    EXPECT_TRUE(eventually([&] { return total.load() == 1; }));
    EXPECT_EQ(readable.result & POLLIN, POLLIN);
    the_driver().forget(ends[0]);
    ::close(ends[0]);
    ::close(ends[1]);
}

// ---- what an await costs

task<> count_allocations(std::size_t& allocations) {
    connection both = co_await connect_pair();
    std::array<char, 4> buffer{};
    for (int round = 0; round < 20; ++round) {
        co_await both.server.write(std::string_view("ping"));
        static_cast<void>(co_await both.client.read(std::span<char>(buffer)));
    }
    const allocation_counter counter;
    for (int round = 0; round < 20; ++round) {
        co_await both.server.write(std::string_view("ping"));
        static_cast<void>(co_await both.client.read(std::span<char>(buffer)));
    }
    allocations = counter.count();
}

TEST_F(io_drivers, reading_and_writing_allocate_nothing) {
    if (!allocation_counter::is_available) GTEST_SKIP() << "the sanitizer counts for itself";
    // One worker: the counter is the thread's own.
    runtime_options options;
    options.min_threads = options.max_threads = 1;
    runtime where(options);
    std::size_t allocations = 99;
    block_on(where, &count_allocations, std::ref(allocations));
    EXPECT_EQ(allocations, 0U);
}

// ---- a process out of descriptors

task<> accept_when_short_of_descriptors() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    // The client's descriptor exists already; then none is left for the server's.
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int last = ::dup(client);
    ::close(last);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{static_cast<rlim_t>(last), before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);

    task<tcp_stream> accepted = listener.accept();
    task<> connecting = run([client, port = listener.local_endpoint().port()] {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    });
    co_await std::move(connecting);
    co_await delay(std::chrono::milliseconds(20));
    EXPECT_FALSE(accepted.is_completed());
    ::setrlimit(RLIMIT_NOFILE, &before);
    tcp_stream server = co_await std::move(accepted);
    EXPECT_TRUE(server.is_open());
    ::close(client);
}

TEST_F(io_drivers, out_of_descriptors_accept_waits_until_there_are_some) {
    if (WEFT_ASAN)
        GTEST_SKIP() << "the undefined-behaviour sanitizer looks at memory through pipes, and reports when it gets none";
    block_on(accept_when_short_of_descriptors());
}

task<> is_left_in_line() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    tcp_stream client = co_await tcp_stream::connect(listener.local_endpoint());
    EXPECT_EQ(the_driver().shed_connection(listener.native_handle()), -EAGAIN);
    tcp_stream server = co_await listener.accept();
    EXPECT_EQ(server.remote_endpoint(), client.local_endpoint());
}

// As when the shortage ends between two of the calls that turn connections away.
TEST_F(io_drivers, nobody_is_turned_away_while_there_are_descriptors) { block_on(is_left_in_line()); }

// ---- shutdown

task<> read_for_ever(tcp_stream stream, std::atomic<int>& waiting, cancellation_token token) {
    std::array<char, 4> buffer{};
    ++waiting;
    static_cast<void>(co_await stream.read(std::span<char>(buffer), token));
}

task<> leave_reads_behind(std::atomic<int>& waiting, std::vector<tcp_stream>& others, cancellation_token token) {
    for (int i = 0; i < 50; ++i) {
        connection both = co_await connect_pair();
        read_for_ever(std::move(both.client), waiting, token).forget();
        others.push_back(std::move(both.server));
    }
}

TEST_F(io_drivers, shutdown_cancels_what_the_kernel_holds_and_leaves_no_descriptor) {
    runtime where;
    std::atomic<int> waiting{0};
    {
        std::vector<tcp_stream> others;
        cancellation_source source;
        block_on(where, &leave_reads_behind, std::ref(waiting), std::ref(others), source.token());
        EXPECT_EQ(waiting.load(), 50);
        const shutdown_report report = where.shutdown(std::chrono::milliseconds(50));
        EXPECT_FALSE(report.operations_left) << report.to_string();
        source.cancel();  // nobody listens any more
    }
}

}  // namespace
