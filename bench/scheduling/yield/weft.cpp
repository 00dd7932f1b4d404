// What does letting others run cost? Weft: yield().
// SPDX-License-Identifier: MIT

#include <ranges>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

weft::task<> yielder(std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) co_await weft::yield();
}

weft::task<bench::cost> measure(std::uint64_t tasks, std::uint64_t each) {
    const bench::stopwatch watch;
    auto spawned = std::views::iota(std::uint64_t{0}, tasks) |
        std::views::transform([each](std::uint64_t) { return weft::run(yielder, each); });
    co_await weft::when_all(spawned);
    co_return watch.each(tasks * each);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks[0]);
    const auto each = arguments.number("yields", bench::parameters::yields) / tasks;
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost time = runtime.run(measure, tasks, each);
        if (r > 0) bench::report("yield", time);
    }
}
