// A client and an echo server on one worker: a fixed number of exchanges of 64 bytes over loopback.
// SPDX-License-Identifier: MIT

#include <array>
#include <string_view>

#include "support/weft.hpp"
#include "weft/net/tcp.hpp"

namespace {

constexpr std::size_t message_size = 64;

weft::task<> serve(weft::net::tcp_stream& connection) {
    std::array<char, 4096> buffer;
    for (;;) {
        const std::size_t n = co_await connection.read(buffer);
        if (n == 0) break;
        co_await connection.write(std::string_view(buffer.data(), n));
    }
}

weft::task<bench::cost> measure(std::uint64_t exchanges) {
    weft::net::tcp_listener listener = weft::net::tcp_listener::bind(weft::net::endpoint::loopback_v4());
    const weft::net::endpoint where = listener.local_endpoint();
    weft::task<weft::net::tcp_stream> connecting = weft::net::tcp_stream::connect(where);
    weft::net::tcp_stream there = co_await listener.accept();
    weft::net::tcp_stream here = co_await std::move(connecting);
    weft::task<> server = serve(there);
    std::array<char, message_size> message{};
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < exchanges; ++i) {
        co_await here.write(std::string_view(message.data(), message.size()));
        std::size_t got = 0;
        while (got < message.size()) {
            const std::size_t n = co_await here.read(message);
            if (n == 0) std::abort();
            got += n;
        }
    }
    const bench::cost each = watch.each(exchanges);
    here.shutdown_send();
    co_await server;
    co_return each;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::weft_runtime runtime(1);
    bench::report("exchange", runtime.run(measure, arguments.number("exchanges", 50'000)));
}
