// How fast does a TCP server send back what it gets? Asio: a coroutine a connection on as many threads as asked for.
// SPDX-License-Identifier: MIT

#include <thread>
#include <vector>

#include "io/tcp_echo/parameters.hpp"
#include "support/asio.hpp"
#include "support/harness.hpp"

namespace {

using bench::asio::ip::tcp;

constexpr auto use_error = bench::asio::as_tuple(bench::asio::deferred);

/// @tparam Executor  the context's own, or a strand of it where several threads run the context
template <class Executor>
struct server {
    using socket = bench::asio::basic_stream_socket<tcp, Executor>;
    using acceptor = bench::asio::basic_socket_acceptor<tcp, Executor>;
    using awaitable = bench::asio::awaitable<void, Executor>;

    static awaitable serve(socket connection, std::size_t size) {
        std::vector<char> buffer(size);
        for (;;) {
            auto [read_error, n] = co_await connection.async_read_some(bench::asio::buffer(buffer), use_error);
            if (read_error) co_return;
            auto [write_error, written] =
                co_await bench::asio::async_write(connection, bench::asio::buffer(buffer.data(), n), use_error);
            if (write_error) co_return;
        }
    }

    template <class MakeExecutor>
    static awaitable accept(Executor where, MakeExecutor make_executor, std::size_t size) {
        acceptor listener(where);
        const tcp::endpoint local(bench::asio::ip::make_address("127.0.0.1"), 0);
        listener.open(local.protocol());
        listener.bind(local);
        listener.listen(16'384);
        bench::ready(listener.local_endpoint().port());
        for (;;) {
            const Executor own = make_executor();
            socket connection(own);
            co_await listener.async_accept(connection, bench::asio::deferred);
            connection.set_option(tcp::no_delay(true));
            bench::asio::co_spawn(own, serve(std::move(connection), size), bench::asio::detached);
        }
    }
};

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto threads = static_cast<int>(arguments.number("threads", 1));
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::asio::io_context context(threads);
    if (threads == 1) {
        const auto where = context.get_executor();
        bench::asio::co_spawn(
            where, server<bench::executor>::accept(where, [&] { return where; }, size), bench::asio::detached);
        context.run();
        return 0;
    }
    using strand = bench::asio::strand<bench::executor>;
    const auto make = [&] { return strand(context.get_executor()); };
    const strand first = make();
    bench::asio::co_spawn(first, server<strand>::accept(first, make, size), bench::asio::detached);
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([&] { context.run(); });
    context.run();
}
