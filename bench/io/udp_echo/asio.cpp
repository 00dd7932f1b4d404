// How fast does a server send datagrams back? Asio: one coroutine on one thread.
// SPDX-License-Identifier: MIT

#include <vector>

#include "io/udp_echo/parameters.hpp"
#include "support/asio.hpp"
#include "support/harness.hpp"

namespace {

using bench::asio::ip::udp;
using socket = bench::asio::basic_datagram_socket<udp, bench::executor>;

bench::awaitable<void> serve(bench::executor where, std::size_t size) {
    socket local(where, udp::endpoint(bench::asio::ip::make_address("127.0.0.1"), 0));
    bench::ready(local.local_endpoint().port());
    std::vector<char> buffer(size);
    udp::endpoint from;
    for (;;) {
        const std::size_t n = co_await local.async_receive_from(bench::asio::buffer(buffer), from, bench::asio::deferred);
        co_await local.async_send_to(bench::asio::buffer(buffer.data(), n), from, bench::asio::deferred);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::asio::io_context context(1);
    bench::asio::co_spawn(context, serve(context.get_executor(), arguments.number("buffer", bench::parameters::buffer)),
        bench::asio::detached);
    context.run();
}
