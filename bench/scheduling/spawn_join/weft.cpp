// What does a task cost that is spawned and joined? Weft: run and when_all.
// SPDX-License-Identifier: MIT

#include <ranges>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"

namespace {

weft::task<bench::cost> measure(std::uint64_t tasks) {
    std::atomic<std::uint64_t> count{0};
    const bench::stopwatch watch;
    auto spawned = std::views::iota(std::uint64_t{0}, tasks) | std::views::transform([&count](std::uint64_t) {
        return weft::run([&count] { count.fetch_add(1, std::memory_order_relaxed); });
    });
    co_await weft::when_all(spawned);
    const bench::cost each = watch.each(tasks);
    if (count != tasks) std::abort();
    co_return each;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure, tasks);
        if (r > 0) bench::report("spawn_join", each);
    }
}
