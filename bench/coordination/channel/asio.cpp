// What does it cost to pass an item from task to task? Asio: an experimental concurrent channel.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"

#include <limits>

#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

using channel = bench::asio::experimental::basic_concurrent_channel<bench::executor,
    bench::asio::experimental::channel_traits<>, void(bench::error_code, std::uint64_t)>;

bench::awaitable<void> produce(channel& to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) co_await to.async_send(bench::error_code{}, i, bench::asio::deferred);
}

// A channel of Asio that closes drops what it holds, so consumers count.
bench::awaitable<void> consume(channel& from, std::atomic<std::uint64_t>& left, std::atomic<std::uint64_t>& sum) {
    std::uint64_t mine = 0;
    while (left.fetch_sub(1, std::memory_order_relaxed) - 1 < std::numeric_limits<std::uint64_t>::max() / 2)
        mine += co_await from.async_receive(bench::asio::deferred);
    sum.fetch_add(mine, std::memory_order_relaxed);
}

bench::awaitable<bench::cost> measure(
    bench::executor where, std::uint64_t items, std::uint64_t producers, std::uint64_t consumers, std::uint64_t capacity) {
    channel through(where, capacity == 0 ? std::numeric_limits<std::size_t>::max() : capacity);
    const std::uint64_t each = items / producers;
    std::atomic<std::uint64_t> left{each * producers};
    std::atomic<std::uint64_t> sum{0};
    const bench::stopwatch watch;
    bench::asio_group group(where);
    for (std::uint64_t i = 0; i < consumers; ++i) group.spawn(consume(through, left, sum));
    for (std::uint64_t i = 0; i < producers; ++i) group.spawn(produce(through, each));
    co_await group.join();
    const bench::cost cost = watch.each(each * producers);
    if (sum != producers * (each * (each - 1) / 2)) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto items = arguments.number("items", bench::parameters::items);
    const auto producers = arguments.number("producers", bench::parameters::producers[0]);
    const auto consumers = arguments.number("consumers", bench::parameters::consumers[0]);
    const auto capacity = arguments.number("capacity", bench::parameters::capacity[0]);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(runtime.get_executor(), items, producers, consumers, capacity));
        if (r > 0) bench::report("item", each);
    }
}
