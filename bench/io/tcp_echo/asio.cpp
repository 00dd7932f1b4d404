// How fast does a TCP server send back what it gets? Asio: a coroutine a connection on as many threads as asked for.
// SPDX-License-Identifier: MIT

#include <thread>
#include <vector>

#include "io/tcp_echo/parameters.hpp"
#include "support/asio.hpp"
#include "support/harness.hpp"

namespace {

template <class Executor>
bench::asio::awaitable<void, Executor> serve(bench::tcp_socket<Executor> connection, std::size_t size) {
    connection.set_option(bench::tcp::no_delay(true));
    return bench::echo(std::move(connection), size);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto threads = static_cast<int>(arguments.number("threads", 1));
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    const auto serve_one = [size](auto connection) { return serve(std::move(connection), size); };
    if (threads == 1) {
        bench::serve_alone(serve_one);
        return 0;
    }
    bench::asio::io_context context(threads);
    using strand = bench::asio::strand<bench::executor>;
    const auto make = [&] { return strand(context.get_executor()); };
    const strand first = make();
    bench::asio::co_spawn(first, bench::accept_all(first, make, serve_one), bench::asio::detached);
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([&] { context.run(); });
    context.run();
}
