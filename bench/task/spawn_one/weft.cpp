// What does one hop to the pool and back cost? Weft: run().
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"

namespace {

weft::task<bench::cost> measure(std::uint64_t tasks) {
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < tasks; ++i) sum += co_await weft::run([i] { return i; });
    const bench::cost each = watch.each(tasks);
    if (sum != tasks * (tasks - 1) / 2) std::abort();
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
        if (r > 0) bench::report("spawn_one", each);
    }
}
