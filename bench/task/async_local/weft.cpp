// What does an ambient value cost? Weft: async_local.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/async_local.hpp"

namespace {

weft::async_local<std::uint64_t> variable;

weft::task<bench::cost> measure_read(std::uint64_t n) {
    variable.set(1);
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) sum += *variable.value();
    if (sum != n) std::abort();
    co_return watch.each(n);
}

weft::task<bench::cost> measure_write(std::uint64_t n) {
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) variable.set(i);
    co_return watch.each(n);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("operations", bench::parameters::operations);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost read = runtime.run(measure_read, n);
        const bench::cost write = runtime.run(measure_write, n);
        if (r == 0) continue;
        bench::report("read", read, "allocations_read");
        bench::report("write", write, "allocations_write");
    }
}
