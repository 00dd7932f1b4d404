// What does a loop over items add to each item? Weft: parallel_for_each and parallel_for.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <ranges>
#include <vector>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/parallel.hpp"
#include "weft/yield.hpp"

namespace {

using marks = std::vector<unsigned char>;

struct mark_at_once {
    marks* done;
    weft::task<> operator()(std::uint64_t item) const {
        (*done)[item] = 1;
        co_return;
    }
};

struct mark_after_yield {
    marks* done;
    weft::task<> operator()(std::uint64_t item) const {
        co_await weft::yield();
        (*done)[item] = 1;
    }
};

template <class Body>
weft::task<bench::cost> over_range(std::uint64_t items, weft::parallel_options options) {
    marks done(items);
    const bench::stopwatch watch;
    // A view that the loop has to ask item by item: plain numbers it would count itself.
    const auto itself = [](std::uint64_t item) { return item; };
    auto source = std::views::iota(std::uint64_t{0}, items) | std::views::transform(itself);
    co_await weft::parallel_for_each(source, options, Body{&done});
    const bench::cost cost = watch.each(items);
    if (std::ranges::count(done, 1) != static_cast<std::ptrdiff_t>(items)) std::abort();
    co_return cost;
}

template <class Body>
weft::task<bench::cost> over_numbers(std::uint64_t items, weft::parallel_options options) {
    marks done(items);
    const bench::stopwatch watch;
    co_await weft::parallel_for(std::uint64_t{0}, items, options, Body{&done});
    const bench::cost cost = watch.each(items);
    if (std::ranges::count(done, 1) != static_cast<std::ptrdiff_t>(items)) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto trivial = arguments.number("trivial_items", bench::parameters::trivial_items);
    const auto yielding = arguments.number("yielding_items", bench::parameters::yielding_items);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    weft::parallel_options options;
    options.max_degree_of_parallelism = static_cast<std::int32_t>(arguments.number("degree", bench::parameters::degree));
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost trivial_cost = runtime.run(over_range<mark_at_once>, trivial, options);
        const bench::cost yielding_cost = runtime.run(over_range<mark_after_yield>, yielding, options);
        const bench::cost numbers_trivial = runtime.run(over_numbers<mark_at_once>, trivial, options);
        const bench::cost numbers_yielding = runtime.run(over_numbers<mark_after_yield>, yielding, options);
        if (r == 0) continue;
        bench::report("trivial", trivial_cost, "allocations_trivial");
        bench::report("yielding", yielding_cost, "allocations_yielding");
        bench::report("numbers_trivial", numbers_trivial, "allocations_n_trivial");
        bench::report("numbers_yielding", numbers_yielding, "allocations_n_yield");
    }
}
