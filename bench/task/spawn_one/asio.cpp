// What does one hop to the pool and back cost? Asio: co_spawn.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"

namespace {

bench::awaitable<std::uint64_t> trivial(std::uint64_t i) { co_return i; }

bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t tasks) {
    constexpr bench::asio::use_awaitable_t<bench::executor> wait;
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < tasks; ++i) {
        sum += co_await bench::asio::co_spawn(where, trivial(i), wait);
    }
    const bench::cost each = watch.each(tasks);
    if (sum != tasks * (tasks - 1) / 2) std::abort();
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
        if (r > 0) bench::report("spawn_one", each);
    }
}
