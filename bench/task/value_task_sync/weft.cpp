// What does a call cost whose value is there already? Weft: a value_task made from its value.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/value_task.hpp"

namespace {

[[gnu::noinline]] weft::value_task<std::uint64_t> leaf(std::uint64_t i) { return i + 1; }

weft::task<double> measure(std::uint64_t calls) {
    const auto start = bench::clock::now();
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < calls; ++i) sum += co_await leaf(i);
    bench::keep(sum);
    co_return bench::nanoseconds_each(start, calls);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto calls = arguments.number("calls", bench::parameters::calls);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const double each = runtime.run(measure, calls);
        if (r > 0) bench::report("call", "ns", each);
    }
}
