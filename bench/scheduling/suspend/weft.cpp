// What does a round trip between two suspending tasks cost? Weft: two pooled value_task sources that post their waiters.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/value_task.hpp"

namespace {

// set() lets one wait() pass; one waiter at a time.
class event {
public:
    void set() { source_.set_result(); }
    [[nodiscard]] weft::value_task<> wait() { return weft::value_task<>(source_, source_.version()); }

private:
    weft::manual_reset_value_task_source<> source_{true};
};

weft::task<> partner(event& there, event& back, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await there.wait();
        back.set();
    }
}

weft::task<bench::cost> round_trips(std::uint64_t n) {
    const bench::stopwatch watch;
    event there;
    event back;
    weft::task<> other = partner(there, back, n);
    for (std::uint64_t i = 0; i < n; ++i) {
        there.set();
        co_await back.wait();
    }
    co_await other;
    co_return watch.each(n);
}

// The same with each wait in an asynchronous function of its own, as programs have it.
weft::task<> wait_on(event& one) { co_await one.wait(); }

weft::task<> calling_partner(event& there, event& back, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await wait_on(there);
        back.set();
    }
}

weft::task<bench::cost> calling_round_trips(std::uint64_t n) {
    const bench::stopwatch watch;
    event there;
    event back;
    weft::task<> other = calling_partner(there, back, n);
    for (std::uint64_t i = 0; i < n; ++i) {
        there.set();
        co_await wait_on(back);
    }
    co_await other;
    co_return watch.each(n);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("round_trips", bench::parameters::round_trips);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost direct = runtime.run(round_trips, n);
        const bench::cost calling = runtime.run(calling_round_trips, n);
        if (r == 0) continue;
        bench::report("round_trip", direct);
        bench::report("with_calls", calling, "allocations_calls");
    }
}
