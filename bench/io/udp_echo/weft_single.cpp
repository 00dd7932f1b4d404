// How fast does a server send datagrams back? Weft: one coroutine on one worker, one datagram a call, as Asio does.
// SPDX-License-Identifier: MIT

#include <span>
#include <vector>

#include "io/udp_echo/parameters.hpp"
#include "support/weft.hpp"
#include "weft/net/udp.hpp"

namespace {

weft::task<> serve(std::size_t size) {
    const weft::net::endpoint local = weft::net::endpoint::loopback_v4();
    weft::net::udp_socket socket = weft::net::udp_socket::bind(local);
    bench::ready(socket.local_endpoint().port());
    std::vector<std::byte> buffer(size);
    for (;;) {
        const weft::net::received_datagram came = co_await socket.receive_from(buffer);
        const std::span<const std::byte> answer = std::span<const std::byte>(buffer).first(came.size);
        co_await socket.send_to(came.from, answer);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::weft_runtime runtime(1);
    runtime.run(serve, arguments.number("buffer", bench::parameters::buffer));
}
