// What does waiting for many tasks cost? Asio: a parallel group of spawned coroutines.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"

#include <boost/asio/experimental/parallel_group.hpp>

namespace {

bench::awaitable<void> child(bench::executor where) { co_await bench::asio::post(where, bench::asio::deferred); }

bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t groups, std::uint64_t children) {
    const auto start = [where] { return bench::asio::co_spawn(where, child(where), bench::asio::deferred); };
    constexpr bench::asio::use_awaitable_t<bench::executor> wait;
    const bench::stopwatch watch;
    for (std::uint64_t g = 0; g < groups; ++g) {
        std::vector<decltype(start())> calls;
        calls.reserve(children);
        for (std::uint64_t i = 0; i < children; ++i) calls.push_back(start());
        auto group = bench::asio::experimental::make_parallel_group(std::move(calls));
        co_await group.async_wait(bench::asio::experimental::wait_for_all(), wait);
    }
    co_return watch.each(groups * children);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto children = arguments.number("children", bench::parameters::children[0]);
    const auto groups = arguments.number("tasks", bench::parameters::tasks) / children;
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(runtime.get_executor(), groups, children));
        if (r > 0) bench::report("when_all", each);
    }
}
