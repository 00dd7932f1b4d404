// What does a fork cost in a recursion? Weft: run() for one half, a call for the other.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"

namespace {

// The number of calls rather than the Fibonacci number itself: it is what the time is divided by.
weft::task<std::uint64_t> calls_of(std::uint64_t n) {
    if (n < 2) co_return std::uint64_t{1};
    const weft::task<std::uint64_t> forked = weft::run(calls_of, n - 1);
    const std::uint64_t called = co_await calls_of(n - 2);
    co_return 1 + called + co_await forked;
}

weft::task<bench::cost> measure(std::uint64_t n) {
    const bench::stopwatch watch;
    const std::uint64_t calls = co_await calls_of(n);
    co_return watch.each(calls);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("number", bench::parameters::number);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure, n);
        if (r > 0) bench::report("fork_join", each);
    }
}
