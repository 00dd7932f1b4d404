// What does a connection cost that waits? Asio: a coroutine a connection, which waits without a buffer.
// SPDX-License-Identifier: MIT

#include <memory>

#include "io/idle_connections/parameters.hpp"
#include "support/asio.hpp"
#include "support/harness.hpp"

namespace {

using bench::asio::ip::tcp;
using socket = bench::asio::basic_stream_socket<tcp, bench::executor>;
using acceptor = bench::asio::basic_socket_acceptor<tcp, bench::executor>;

constexpr auto use_error = bench::asio::as_tuple(bench::asio::deferred);

bench::awaitable<void> serve(socket connection, std::size_t size) {
    for (;;) {
        auto [wait_error] = co_await connection.async_wait(socket::wait_read, use_error);
        if (wait_error) co_return;
        const auto buffer = std::make_unique<char[]>(size);
        auto [read_error, n] = co_await connection.async_read_some(bench::asio::buffer(buffer.get(), size), use_error);
        if (read_error) co_return;
        auto [write_error, written] =
            co_await bench::asio::async_write(connection, bench::asio::buffer(buffer.get(), n), use_error);
        if (write_error) co_return;
    }
}

bench::awaitable<void> accept(bench::executor where, std::size_t size) {
    acceptor listener(where, tcp::endpoint(bench::asio::ip::make_address("127.0.0.1"), 0));
    bench::ready(listener.local_endpoint().port());
    for (;;) {
        socket connection = co_await listener.async_accept(bench::asio::deferred);
        bench::asio::co_spawn(where, serve(std::move(connection), size), bench::asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::asio::io_context context(1);
    bench::asio::co_spawn(context, accept(context.get_executor(), arguments.number("buffer", bench::parameters::buffer)),
        bench::asio::detached);
    context.run();
}
