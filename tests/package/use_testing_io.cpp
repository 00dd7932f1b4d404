// Uses the installed simulation: a connection without a kernel, over a network that takes its time.
// SPDX-License-Identifier: MIT
#include <weft/net/tcp.hpp>
#include <weft/testing_io/simulated_io.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <string_view>
#include <utility>

static weft::task<> greet(weft::net::tcp_listener listener) {
    weft::net::tcp_stream guest = co_await listener.accept();
    co_await guest.write(std::string_view("hello"));
    co_await guest.close();
}

static weft::task<std::size_t> visit(weft::net::endpoint where) {
    weft::net::tcp_stream host = co_await weft::net::tcp_stream::connect(where);
    char heard[8];
    co_return co_await host.read(std::span<char>(heard));
}

int main() {
    weft::testing::deterministic_scheduler world(1);
    weft::testing::simulated_io io(world);
    io.network().latency(std::chrono::milliseconds(5), std::chrono::milliseconds(50));
    const weft::testing::simulated_node server = io.node("server"), client = io.node("client");
    weft::task<> greeting = server.run([&] { return greet(weft::net::tcp_listener::bind(server.at(80))); });
    const std::size_t heard = world.run(client.run(&visit, server.at(80)));
    world.run(std::move(greeting));
    return heard == 5 ? 0 : 1;
}
