// What does a limit of tasks inside a region cost? Weft: async_semaphore.
// SPDX-License-Identifier: MIT

#include "weft/sync/async_semaphore.hpp"

#include <vector>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

weft::task<> take_turns(weft::async_semaphore& gate, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        const auto permit = co_await gate.acquire();
        co_await weft::yield();
    }
}

weft::task<bench::cost> measure(std::uint64_t tasks, std::uint64_t permits, std::uint64_t each) {
    weft::async_semaphore gate(static_cast<std::int32_t>(permits));
    const bench::stopwatch watch;
    std::vector<weft::task<>> taking;
    for (std::uint64_t t = 0; t < tasks; ++t) taking.push_back(weft::run(take_turns, std::ref(gate), each));
    co_await weft::when_all(taking);
    const bench::cost cost = watch.each(tasks * each);
    if (gate.current_count() != static_cast<std::int32_t>(permits)) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks);
    const auto permits = arguments.number("permits", bench::parameters::permits);
    const auto each = arguments.number("turns", bench::parameters::turns) / tasks;
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost turn = runtime.run(measure, tasks, permits, each);
        if (r > 0) bench::report("turn", turn);
    }
}
