// What does letting others run cost? Asio: a post to the own executor.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

bench::awaitable<void> yielder(bench::executor where, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) co_await bench::asio::post(where, bench::asio::deferred);
}

bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t tasks, std::uint64_t each) {
    const bench::stopwatch watch;
    bench::asio_group group(where);
    for (std::uint64_t t = 0; t < tasks; ++t) group.spawn(yielder(where, each));
    co_await group.join();
    co_return watch.each(tasks * each);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks[0]);
    const auto each = arguments.number("yields", bench::parameters::yields) / tasks;
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost time = runtime.run(measure(runtime.get_executor(), tasks, each));
        if (r > 0) bench::report("yield", time);
    }
}
