// What do a million different times cost, and a timer that never fires? Asio: steady_timer.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"
#include "times.hpp"

namespace {

bench::awaitable<void> sleeper(bench::executor where, std::chrono::nanoseconds duration, std::int64_t& late) {
    const auto deadline = bench::clock::now() + duration;
    bench::steady_timer timer(where, duration);
    co_await timer.async_wait(bench::asio::deferred);
    late = std::chrono::nanoseconds(bench::clock::now() - deadline).count();
}

bench::awaitable<double> sleep_all(bench::executor where, std::vector<std::int64_t>& late, std::chrono::nanoseconds limit) {
    const double cpu = bench::cpu_seconds();
    bench::asio_group group(where);
    for (std::size_t i = 0; i < late.size(); ++i) group.spawn(sleeper(where, bench::time_below(limit, i), late[i]));
    co_await group.join();
    co_return bench::cpu_seconds() - cpu;
}

/// Counts the handlers that are still to be called.
class pending {
public:
    pending(bench::executor where, std::uint64_t count) : done_(where), left_(count) {}
    void cancelled(bench::error_code error) {
        if (!error) std::abort();
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.set();
    }
    auto wait() { return done_.wait(); }

private:
    bench::asio_event done_;
    std::atomic<std::uint64_t> left_;
};

void arm(bench::steady_timer& timer, std::uint64_t i, pending& handlers) {
    timer.expires_after(bench::never_before + bench::time_below(std::chrono::hours(1), i));
    timer.async_wait([&handlers](bench::error_code error) { handlers.cancelled(error); });
}

bench::awaitable<bench::cost> arm_and_cancel(bench::executor where, std::uint64_t count) {
    pending handlers(where, count);
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < count; ++i) {
        bench::steady_timer unneeded(where);
        arm(unneeded, i, handlers);
        unneeded.cancel();
    }
    co_await handlers.wait();
    co_return watch.each(count);
}

bench::awaitable<bench::cost> arm_and_cancel_many(bench::executor where, std::uint64_t count) {
    pending handlers(where, count);
    std::vector<bench::steady_timer> armed;
    armed.reserve(count);
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < count; ++i) arm(armed.emplace_back(where), i, handlers);
    for (bench::steady_timer& one : armed) one.cancel();
    co_await handlers.wait();
    co_return watch.each(count);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::chrono::milliseconds limit(arguments.number("milliseconds", bench::parameters::milliseconds));
    const auto cancelled = arguments.number("cancelled", bench::parameters::cancelled);
    const auto standing = arguments.number("standing", bench::parameters::standing);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    const bench::executor where = runtime.get_executor();
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        std::vector<std::int64_t> late(arguments.number("timers", bench::parameters::timers), 1);
        const double cpu = runtime.run(sleep_all(where, late, limit));
        const bench::cost alone = runtime.run(arm_and_cancel(where, cancelled));
        const bench::cost many = runtime.run(arm_and_cancel_many(where, standing));
        if (r == 0) continue;
        bench::report("cpu", "s", cpu);
        bench::report_lateness(std::move(late));
        bench::report("arm_and_cancel", alone);
        bench::report("arm_and_cancel_many", many, "allocations_many");
    }
}
