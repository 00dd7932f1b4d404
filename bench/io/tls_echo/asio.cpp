// How fast does a TLS server send back what it gets? Asio: a coroutine a connection on one thread.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "io/tls_echo/parameters.hpp"
#include "support/harness.hpp"
#include "support/tls.hpp"

#include <boost/asio/ssl.hpp>

namespace {

using tls_stream = bench::asio::ssl::stream<bench::tcp_socket<>>;

bench::awaitable<void> serve(bench::tcp_socket<> raw, bench::asio::ssl::context& context, std::size_t size) {
    raw.set_option(bench::tcp::no_delay(true));
    tls_stream connection(std::move(raw), context);
    auto [handshake_error] = co_await connection.async_handshake(tls_stream::server, bench::use_error);
    if (handshake_error) co_return;
    co_await bench::echo(std::move(connection), size);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::asio::ssl::context secure(bench::asio::ssl::context::tls_server);
    bench::use_new_certificate(secure.native_handle());
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::serve_alone([&secure, size](bench::tcp_socket<> raw) { return serve(std::move(raw), secure, size); });
}
