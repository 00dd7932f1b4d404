// What does a call cost that could have waited but did not? Asio: an awaitable.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

[[gnu::noinline]] bench::awaitable<std::uint64_t> leaf(std::uint64_t i) { co_return i + 1; }

bench::awaitable<bench::cost> measure(std::uint64_t calls) {
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < calls; ++i) sum += co_await leaf(i);
    bench::keep(sum);
    co_return watch.each(calls);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto calls = arguments.number("calls", bench::parameters::calls);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(calls));
        if (r == 0) continue;
        bench::report("call", each);
        bench::report("call_ready", each, "allocations_ready");  // there is no other kind
    }
}
