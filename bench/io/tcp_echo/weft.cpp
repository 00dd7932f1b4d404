// How fast does a TCP server send back what it gets? Weft: a coroutine a connection on as many workers as asked for.
// SPDX-License-Identifier: MIT

#include <string_view>

#include "io/tcp_echo/parameters.hpp"
#include "support/weft.hpp"
#include "weft/net/tcp.hpp"

namespace {

weft::task<> serve(weft::net::tcp_stream connection, std::size_t size) {
    std::vector<char> buffer(size);
    try {
        for (;;) {
            const std::size_t n = co_await connection.read(buffer);
            if (n == 0) break;
            co_await connection.write(std::string_view(buffer.data(), n));
        }
    } catch (const weft::io_error&) {
        // The generator has gone.
    }
}

weft::task<> accept(std::size_t size) {
    weft::net::tcp_listener listener =
        weft::net::tcp_listener::bind(weft::net::endpoint::loopback_v4(), {.backlog = 16'384});
    bench::ready(listener.local_endpoint().port());
    for (;;) {
        weft::net::tcp_stream connection = co_await listener.accept();
        connection.no_delay();
        serve(std::move(connection), size).forget();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::weft_runtime runtime(arguments.number("threads", 1));
    runtime.run(accept, arguments.number("buffer", bench::parameters::buffer));
}
