// What does a million sleeping tasks cost? Asio: a coroutine with a timer, and a cancellation signal each if cancellable.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

bench::awaitable<void> sleeper(bench::executor where, std::chrono::milliseconds duration, std::int64_t& late) {
    const auto deadline = bench::clock::now() + duration;
    bench::steady_timer timer(where, duration);
    co_await timer.async_wait(bench::asio::deferred);
    late = std::chrono::nanoseconds(bench::clock::now() - deadline).count();
}

bench::awaitable<void> measure(
    bench::executor where, std::vector<std::int64_t>& late, std::chrono::milliseconds duration, bool token) {
    const auto count = late.size();
    const double before = bench::resident_bytes();
    const double cpu = bench::cpu_seconds();
    const auto start = bench::clock::now();
    // Asio has no token that many share: each coroutine needs a signal of its own, which the one who cancels would emit.
    std::vector<bench::asio::cancellation_signal> signals(token ? count : 0);
    bench::asio_group group(where);
    for (std::size_t i = 0; i < count; ++i) {
        if (token) {
            group.spawn(sleeper(where, duration, late[i]), signals[i].slot());
        } else {
            group.spawn(sleeper(where, duration, late[i]));
        }
    }
    const double spawned = bench::nanoseconds_each(start, count);
    bench::steady_timer half_way(where, duration / 2);  // by then every coroutine has started to sleep
    co_await half_way.async_wait(bench::asio::deferred);
    const double after = bench::resident_bytes();
    co_await group.join();
    bench::report("bytes_each", "B", (after - before) / static_cast<double>(count));
    bench::report("spawn_each", "ns", spawned);
    bench::report("cpu", "s", bench::cpu_seconds() - cpu);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::chrono::milliseconds duration(arguments.number("milliseconds", bench::parameters::milliseconds));
    std::vector<std::int64_t> late(arguments.number("sleepers", bench::parameters::sleepers), 1);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    runtime.run(measure(runtime.get_executor(), late, duration, arguments.number("token", 0) != 0));
    bench::report_lateness(std::move(late));
}
