// How fast does a TLS server send back what it gets? Asio: a coroutine a connection on one thread.
// SPDX-License-Identifier: MIT

#include <vector>

#include "io/tls_echo/parameters.hpp"
#include "support/asio.hpp"
#include "support/harness.hpp"
#include "support/tls.hpp"

#include <boost/asio/ssl.hpp>

namespace {

using bench::asio::ip::tcp;
using socket = bench::asio::basic_stream_socket<tcp, bench::executor>;
using acceptor = bench::asio::basic_socket_acceptor<tcp, bench::executor>;
using tls_stream = bench::asio::ssl::stream<socket>;

constexpr auto use_error = bench::asio::as_tuple(bench::asio::deferred);

bench::awaitable<void> serve(socket raw, bench::asio::ssl::context& context, std::size_t size) {
    tls_stream connection(std::move(raw), context);
    auto [handshake_error] = co_await connection.async_handshake(tls_stream::server, use_error);
    if (handshake_error) co_return;
    std::vector<char> buffer(size);
    for (;;) {
        auto [read_error, n] = co_await connection.async_read_some(bench::asio::buffer(buffer), use_error);
        if (read_error) co_return;
        auto [write_error, written] =
            co_await bench::asio::async_write(connection, bench::asio::buffer(buffer.data(), n), use_error);
        if (write_error) co_return;
    }
}

bench::awaitable<void> accept(bench::executor where, bench::asio::ssl::context& context, std::size_t size) {
    acceptor listener(where, tcp::endpoint(bench::asio::ip::make_address("127.0.0.1"), 0));
    bench::ready(listener.local_endpoint().port());
    for (;;) {
        socket raw = co_await listener.async_accept(bench::asio::deferred);
        raw.set_option(tcp::no_delay(true));
        bench::asio::co_spawn(where, serve(std::move(raw), context, size), bench::asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::asio::ssl::context secure(bench::asio::ssl::context::tls_server);
    bench::use_new_certificate(secure.native_handle());
    bench::asio::io_context context(1);
    bench::asio::co_spawn(context,
        accept(context.get_executor(), secure, arguments.number("buffer", bench::parameters::buffer)),
        bench::asio::detached);
    context.run();
}
