// What does a connection cost that waits? Weft: a coroutine a connection, which waits without a buffer.
// SPDX-License-Identifier: MIT

#include <memory>
#include <string_view>

#include "io/idle_connections/parameters.hpp"
#include "support/weft.hpp"
#include "weft/net/tcp.hpp"

namespace {

weft::task<> answer(weft::net::tcp_stream& connection, std::size_t size, bool& over) {
    const auto buffer = std::make_unique<char[]>(size);
    const std::size_t n = co_await connection.read(std::span<char>(buffer.get(), size));
    over = n == 0;
    if (!over) co_await connection.write(std::string_view(buffer.get(), n));
}

weft::task<> serve(weft::net::tcp_stream connection, std::size_t size) {
    try {
        for (bool over = false; !over;) {
            co_await connection.readable();
            co_await answer(connection, size, over);
        }
    } catch (const weft::io_error&) {
        // The generator has gone.
    }
}

weft::task<> accept(std::size_t size) {
    weft::net::tcp_listener listener = weft::net::tcp_listener::bind(weft::net::endpoint::loopback_v4());
    bench::ready(listener.local_endpoint().port());
    for (;;) {
        weft::net::tcp_stream connection = co_await listener.accept();
        serve(std::move(connection), size).forget();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::weft_runtime runtime(1);
    runtime.run(accept, arguments.number("buffer", bench::parameters::buffer));
}
