// What does waiting for many tasks cost? Weft: when_all() over a range of calls.
// SPDX-License-Identifier: MIT

#include <ranges>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

weft::task<> child() { co_await weft::yield(); }

weft::task<bench::cost> measure(std::uint64_t groups, std::uint64_t children) {
    const bench::stopwatch watch;
    auto calls =
        std::views::iota(std::uint64_t{0}, children) | std::views::transform([](std::uint64_t) { return child(); });
    for (std::uint64_t g = 0; g < groups; ++g) co_await weft::when_all(calls);
    co_return watch.each(groups * children);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto children = arguments.number("children", bench::parameters::children[0]);
    const auto groups = arguments.number("tasks", bench::parameters::tasks) / children;
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure, groups, children);
        if (r > 0) bench::report("when_all", each);
    }
}
