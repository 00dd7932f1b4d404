// What does a call cost that could have waited but did not? Weft: a task, and a value_task made from its value.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/value_task.hpp"

namespace {

[[gnu::noinline]] weft::task<std::uint64_t> leaf(std::uint64_t i) { co_return i + 1; }
[[gnu::noinline]] weft::value_task<std::uint64_t> ready_leaf(std::uint64_t i) { return i + 1; }

template <auto Leaf>
weft::task<bench::cost> measure(std::uint64_t calls) {
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < calls; ++i) sum += co_await Leaf(i);
    bench::keep(sum);
    co_return watch.each(calls);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto calls = arguments.number("calls", bench::parameters::calls);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost call = runtime.run(measure<leaf>, calls);
        const bench::cost ready = runtime.run(measure<ready_leaf>, calls);
        if (r == 0) continue;
        bench::report("call", call);
        bench::report("call_ready", ready, "allocations_ready");
    }
}
