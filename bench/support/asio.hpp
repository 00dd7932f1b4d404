#pragma once
// bench/support/asio.hpp: the Boost.Asio side of the benchmarks — an io_context on a few threads, awaitables bound to it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/system/error_code.hpp>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "support/harness.hpp"

namespace bench {

namespace asio = boost::asio;
using boost::system::error_code;

// Naming the executor type spares Asio its type-erased one, as a user who cares would.
using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
using steady_timer = asio::basic_waitable_timer<clock, asio::wait_traits<clock>, executor>;

/// An io_context run by `workers` threads until it is destroyed.
class asio_runtime {
public:
    explicit asio_runtime(std::uint64_t workers)
        : context_(static_cast<int>(workers)), guard_(asio::make_work_guard(context_)) {
        for (std::uint64_t i = 0; i < workers; ++i) threads_.emplace_back([this] { context_.run(); });
    }

    asio_runtime(const asio_runtime&) = delete;
    asio_runtime& operator=(const asio_runtime&) = delete;

    ~asio_runtime() {
        guard_.reset();
        context_.stop();
        for (std::thread& thread : threads_) thread.join();
    }

    [[nodiscard]] executor get_executor() noexcept { return context_.get_executor(); }

    /// Runs `body` on a worker and waits for its result.
    template <class T>
    T run(awaitable<T> body) {
        return asio::co_spawn(context_, std::move(body), asio::use_future).get();
    }

private:
    asio::io_context context_;
    asio::executor_work_guard<executor> guard_;
    std::vector<std::thread> threads_;
};

/// set() lets one wait() pass; one waiter at a time.
class asio_event {
public:
    explicit asio_event(executor where) : channel_(where, 1) {}
    void set() { channel_.try_send(error_code{}, 0); }
    auto wait() { return channel_.async_receive(asio::deferred); }

private:
    asio::experimental::basic_concurrent_channel<executor, asio::experimental::channel_traits<>, void(error_code, int)>
        channel_;
};

/// Counts spawned coroutines; join() waits for all of them.
class asio_group {
public:
    explicit asio_group(executor where) : where_(where), done_(where) {}

    void spawn(awaitable<void>&& body) {
        running_.fetch_add(1, std::memory_order_relaxed);
        asio::co_spawn(where_, std::move(body), [this](std::exception_ptr) { finished(); });
    }

    /// As above; emitting the slot's signal cancels what the coroutine waits for.
    void spawn(awaitable<void>&& body, asio::cancellation_slot slot) {
        running_.fetch_add(1, std::memory_order_relaxed);
        asio::co_spawn(
            where_, std::move(body), asio::bind_cancellation_slot(slot, [this](std::exception_ptr) { finished(); }));
    }

    awaitable<void> join() {
        if (running_.fetch_sub(1, std::memory_order_acq_rel) != 1) co_await done_.wait();
    }

private:
    void finished() {
        if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.set();
    }

    executor where_;
    asio_event done_;
    std::atomic<std::uint64_t> running_{1};
};

using asio::ip::tcp;
template <class Executor = executor>
using tcp_socket = asio::basic_stream_socket<tcp, Executor>;

/// For co_await: what comes out begins with the error, and nothing is thrown.
inline constexpr auto use_error = asio::as_tuple(asio::deferred);

/// Listens on a free port of the loopback, which it announces. Each connection is made on `make_executor()`, where
/// `serve(socket)` runs as a coroutine of its own.
template <class Executor, class MakeExecutor, class Serve>
asio::awaitable<void, Executor> accept_all(Executor where, MakeExecutor make_executor, Serve serve) {
    asio::basic_socket_acceptor<tcp, Executor> listener(where);
    const tcp::endpoint local(asio::ip::make_address("127.0.0.1"), 0);
    listener.open(local.protocol());
    listener.bind(local);
    listener.listen(16'384);
    ready(listener.local_endpoint().port());
    for (;;) {
        const Executor own = make_executor();
        tcp_socket<Executor> connection(own);
        co_await listener.async_accept(connection, asio::deferred);
        asio::co_spawn(own, serve(std::move(connection)), asio::detached);
    }
}

/// The same on one thread, this one. It does not return.
template <class Serve>
void serve_alone(Serve serve) {
    asio::io_context context(1);
    const executor where = context.get_executor();
    asio::co_spawn(where, accept_all(where, [where] { return where; }, std::move(serve)), asio::detached);
    context.run();
}

/// Sends back what comes, `size` bytes at most at once, until the peer has gone.
template <class Stream>
asio::awaitable<void, typename Stream::executor_type> echo(Stream connection, std::size_t size) {
    std::vector<char> buffer(size);
    for (;;) {
        auto [read_error, n] = co_await connection.async_read_some(asio::buffer(buffer), use_error);
        if (read_error) co_return;
        auto [write_error, written] = co_await asio::async_write(connection, asio::buffer(buffer.data(), n), use_error);
        if (write_error) co_return;
    }
}

}  // namespace bench
