// What does a tree of a million tasks cost? Weft: run() and when_all().
// SPDX-License-Identifier: MIT

#include <numeric>
#include <ranges>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"

namespace {

weft::task<std::uint64_t> node(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    auto children = std::views::iota(std::uint64_t{0}, std::uint64_t{10}) |
        std::views::transform([=](std::uint64_t i) { return weft::run(node, first + i * (leaves / 10), leaves / 10); });
    const std::vector<std::uint64_t> sums = co_await weft::when_all(children);
    co_return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

weft::task<bench::cost> measure(std::uint64_t leaves) {
    const bench::stopwatch watch;
    const std::uint64_t sum = co_await node(0, leaves);
    const bench::cost each = watch.each((leaves * 10 - 1) / 9);
    if (sum != leaves * (leaves - 1) / 2) std::abort();
    co_return each;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto leaves = arguments.number("leaves", bench::parameters::leaves);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure, leaves);
        if (r == 0) continue;
        bench::report("skynet", "ms", each.nanoseconds * static_cast<double>((leaves * 10 - 1) / 9) / 1e6);
        bench::report_allocations("allocations", each);
    }
}
