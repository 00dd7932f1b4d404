// What does a message cost when two tasks answer each other? Asio: two experimental concurrent channels.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

using channel = bench::asio::experimental::basic_concurrent_channel<bench::executor,
    bench::asio::experimental::channel_traits<>, void(bench::error_code, std::uint64_t)>;

bench::awaitable<void> answer(channel& from, channel& to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t message = co_await from.async_receive(bench::asio::deferred);
        co_await to.async_send(bench::error_code{}, message + 1, bench::asio::deferred);
    }
}

bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t messages) {
    channel there(where, 1);
    channel back(where, 1);
    bench::asio_group group(where);
    group.spawn(answer(there, back, messages / 2));
    const bench::stopwatch watch;
    std::uint64_t message = 0;
    for (std::uint64_t i = 0; i < messages / 2; ++i) {
        co_await there.async_send(bench::error_code{}, message + 1, bench::asio::deferred);
        message = co_await back.async_receive(bench::asio::deferred);
    }
    const bench::cost cost = watch.each(messages / 2 * 2);
    co_await group.join();
    if (message != messages / 2 * 2) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto messages = arguments.number("messages", bench::parameters::messages);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(runtime.get_executor(), messages));
        if (r > 0) bench::report("message", each);
    }
}
