// What does a tree of a million tasks cost? Asio: co_spawn and a counter in each node.
// SPDX-License-Identifier: MIT

#include <array>
#include <numeric>

#include "parameters.hpp"
#include "support/asio.hpp"

namespace {

bench::awaitable<void> node(bench::executor where, std::uint64_t first, std::uint64_t leaves, std::uint64_t& result) {
    if (leaves == 1) {
        result = first;
        co_return;
    }
    std::array<std::uint64_t, 10> sums{};
    bench::asio_group children(where);
    for (std::uint64_t i = 0; i < 10; ++i) children.spawn(node(where, first + i * (leaves / 10), leaves / 10, sums[i]));
    co_await children.join();
    result = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t leaves) {
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    co_await node(where, 0, leaves, sum);
    const bench::cost each = watch.each((leaves * 10 - 1) / 9);
    if (sum != leaves * (leaves - 1) / 2) std::abort();
    co_return each;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto leaves = arguments.number("leaves", bench::parameters::leaves);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(runtime.get_executor(), leaves));
        if (r == 0) continue;
        bench::report("skynet", "ms", each.nanoseconds * static_cast<double>((leaves * 10 - 1) / 9) / 1e6);
        bench::report_allocations("allocations", each);
    }
}
