// What does a task cost that is spawned and joined? Asio: co_spawn and a counter.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

bench::awaitable<void> trivial(std::atomic<std::uint64_t>& count) {
    count.fetch_add(1, std::memory_order_relaxed);
    co_return;
}

bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t tasks) {
    std::atomic<std::uint64_t> count{0};
    const bench::stopwatch watch;
    bench::asio_group group(where);
    for (std::uint64_t i = 0; i < tasks; ++i) group.spawn(trivial(count));
    co_await group.join();
    const bench::cost each = watch.each(tasks);
    if (count != tasks) std::abort();
    co_return each;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(runtime.get_executor(), tasks));
        if (r > 0) bench::report("spawn_join", each);
    }
}
