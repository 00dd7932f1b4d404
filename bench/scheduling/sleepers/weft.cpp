// What does a million sleeping tasks cost? Weft: a coroutine in a delay, with one token for all of them if cancellable.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/cancellation.hpp"
#include "weft/delay.hpp"
#include "weft/task_completion_source.hpp"

namespace {

struct shared {
    shared(std::chrono::milliseconds how_long, std::uint64_t count) : duration(how_long), running(count) {}

    void finish(bench::clock::time_point deadline, std::int64_t& late) {
        late = std::chrono::nanoseconds(bench::clock::now() - deadline).count();
        if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) done.set_result();
    }

    std::chrono::milliseconds duration;
    weft::cancellation_source source;
    std::atomic<std::uint64_t> running;
    weft::task_completion_source<> done;
};

weft::task<> sleeper(shared& all, std::int64_t& late) {
    const auto deadline = bench::clock::now() + all.duration;
    co_await weft::delay(all.duration);
    all.finish(deadline, late);
}

weft::task<> cancellable_sleeper(shared& all, std::int64_t& late) {
    const auto deadline = bench::clock::now() + all.duration;
    co_await weft::delay(all.duration, all.source.token());
    all.finish(deadline, late);
}

weft::task<> measure(std::vector<std::int64_t>& late, std::chrono::milliseconds duration, bool token) {
    shared all(duration, late.size());
    const double before = bench::resident_bytes();
    const double cpu = bench::cpu_seconds();
    const auto start = bench::clock::now();
    for (std::int64_t& one : late) {
        if (token) {
            cancellable_sleeper(all, one).forget();
        } else {
            sleeper(all, one).forget();
        }
    }
    const double spawned = bench::nanoseconds_each(start, late.size());
    co_await weft::delay(duration / 2);  // as the rivals, whose tasks have all started to sleep by then
    const double after = bench::resident_bytes();
    co_await all.done.task();
    bench::report("bytes_each", "B", (after - before) / static_cast<double>(late.size()));
    bench::report("spawn_each", "ns", spawned);
    bench::report("cpu", "s", bench::cpu_seconds() - cpu);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::chrono::milliseconds duration(arguments.number("milliseconds", bench::parameters::milliseconds));
    std::vector<std::int64_t> late(arguments.number("sleepers", bench::parameters::sleepers), 1);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    runtime.run(measure, std::ref(late), duration, arguments.number("token", 0) != 0);
    bench::report_lateness(std::move(late));
}
