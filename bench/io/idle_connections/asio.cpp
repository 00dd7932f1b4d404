// What does a connection cost that waits? Asio: a coroutine a connection, which waits without a buffer.
// SPDX-License-Identifier: MIT

#include <memory>

#include "io/idle_connections/parameters.hpp"
#include "support/asio.hpp"
#include "support/harness.hpp"

namespace {

bench::awaitable<void> serve(bench::tcp_socket<> connection, std::size_t size) {
    for (;;) {
        auto [wait_error] = co_await connection.async_wait(bench::tcp_socket<>::wait_read, bench::use_error);
        if (wait_error) co_return;
        const auto buffer = std::make_unique<char[]>(size);
        auto [read_error, n] =
            co_await connection.async_read_some(bench::asio::buffer(buffer.get(), size), bench::use_error);
        if (read_error) co_return;
        auto [write_error, written] =
            co_await bench::asio::async_write(connection, bench::asio::buffer(buffer.get(), n), bench::use_error);
        if (write_error) co_return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::serve_alone([size](bench::tcp_socket<> connection) { return serve(std::move(connection), size); });
}
