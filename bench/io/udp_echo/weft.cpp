// How fast does a server send datagrams back? Weft: one coroutine on one worker, which takes what has come together.
// SPDX-License-Identifier: MIT

#include <span>
#include <vector>

#include "io/udp_echo/parameters.hpp"
#include "support/weft.hpp"
#include "weft/net/udp.hpp"

namespace {

constexpr std::size_t together = 32;

weft::task<> serve(std::size_t size) {
    const weft::net::endpoint local = weft::net::endpoint::loopback_v4();
    weft::net::udp_socket socket = weft::net::udp_socket::bind(local);
    bench::ready(socket.local_endpoint().port());
    std::vector<std::byte> bytes(together * size);
    std::vector<weft::net::datagram_room> rooms(together);
    for (std::size_t i = 0; i < together; ++i) rooms[i].room = std::span(bytes).subspan(i * size, size);
    std::vector<weft::net::datagram> answers(together);
    for (;;) {
        const std::size_t count = co_await socket.receive_many(rooms);
        for (std::size_t i = 0; i < count; ++i) answers[i] = {rooms[i].content(), rooms[i].came.from};
        const std::span<const weft::net::datagram> all = std::span(answers).first(count);
        co_await socket.send_many(all);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::weft_runtime runtime(1);
    runtime.run(serve, arguments.number("buffer", bench::parameters::buffer));
}
