// What do a million different times cost, and a timer that never fires? Weft: delay and timer.
// SPDX-License-Identifier: MIT

#include "weft/timer.hpp"

#include "parameters.hpp"
#include "support/weft.hpp"
#include "times.hpp"
#include "weft/delay.hpp"
#include "weft/task_completion_source.hpp"

namespace {

struct group {
    explicit group(std::uint64_t count) : running(count) {}

    std::atomic<std::uint64_t> running;
    weft::task_completion_source<> done;
};

weft::task<> sleeper(group& all, std::chrono::nanoseconds duration, std::int64_t& late) {
    const auto deadline = bench::clock::now() + duration;
    co_await weft::delay(duration);
    late = std::chrono::nanoseconds(bench::clock::now() - deadline).count();
    if (all.running.fetch_sub(1, std::memory_order_acq_rel) == 1) all.done.set_result();
}

weft::task<double> sleep_all(std::vector<std::int64_t>& late, std::chrono::nanoseconds limit) {
    group all(late.size());
    const double cpu = bench::cpu_seconds();
    for (std::size_t i = 0; i < late.size(); ++i) sleeper(all, bench::time_below(limit, i), late[i]).forget();
    co_await all.done.task();
    co_return bench::cpu_seconds() - cpu;
}

void never() { std::abort(); }

weft::task<bench::cost> arm_and_cancel(std::uint64_t count) {
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < count; ++i)
        weft::timer unneeded(never, bench::never_before + bench::time_below(std::chrono::hours(1), i));
    co_return watch.each(count);
}

weft::task<bench::cost> arm_and_cancel_many(std::uint64_t count) {
    std::vector<weft::timer> armed;
    armed.reserve(count);
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < count; ++i)
        armed.emplace_back(never, bench::never_before + bench::time_below(std::chrono::hours(1), i));
    for (weft::timer& one : armed) one.dispose();
    co_return watch.each(count);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::chrono::milliseconds limit(arguments.number("milliseconds", bench::parameters::milliseconds));
    const auto cancelled = arguments.number("cancelled", bench::parameters::cancelled);
    const auto standing = arguments.number("standing", bench::parameters::standing);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        std::vector<std::int64_t> late(arguments.number("timers", bench::parameters::timers), 1);
        const double cpu = runtime.run(sleep_all, std::ref(late), std::chrono::nanoseconds(limit));
        const bench::cost alone = runtime.run(arm_and_cancel, cancelled);
        const bench::cost many = runtime.run(arm_and_cancel_many, standing);
        if (r == 0) continue;
        bench::report("cpu", "s", cpu);
        bench::report_lateness(std::move(late));
        bench::report("arm_and_cancel", alone);
        bench::report("arm_and_cancel_many", many, "allocations_many");
    }
}
