// What does a round trip between two suspending tasks cost? Asio: two coroutines and two channels of capacity one.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

bench::awaitable<void> partner(bench::asio_event& there, bench::asio_event& back, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await there.wait();
        back.set();
    }
}

bench::awaitable<bench::cost> round_trips(bench::executor where, std::uint64_t n) {
    const bench::stopwatch watch;
    bench::asio_event there(where);
    bench::asio_event back(where);
    bench::asio_group group(where);
    group.spawn(partner(there, back, n));
    for (std::uint64_t i = 0; i < n; ++i) {
        there.set();
        co_await back.wait();
    }
    co_await group.join();
    co_return watch.each(n);
}

// The same with each wait in an asynchronous function of its own, as programs have it.
bench::awaitable<void> wait_on(bench::asio_event& event) { co_await event.wait(); }

bench::awaitable<void> calling_partner(bench::asio_event& there, bench::asio_event& back, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await wait_on(there);
        back.set();
    }
}

bench::awaitable<bench::cost> calling_round_trips(bench::executor where, std::uint64_t n) {
    const bench::stopwatch watch;
    bench::asio_event there(where);
    bench::asio_event back(where);
    bench::asio_group group(where);
    group.spawn(calling_partner(there, back, n));
    for (std::uint64_t i = 0; i < n; ++i) {
        there.set();
        co_await wait_on(back);
    }
    co_await group.join();
    co_return watch.each(n);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("round_trips", bench::parameters::round_trips);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost direct = runtime.run(round_trips(runtime.get_executor(), n));
        const bench::cost calling = runtime.run(calling_round_trips(runtime.get_executor(), n));
        if (r == 0) continue;
        bench::report("round_trip", direct);
        bench::report("with_calls", calling, "allocations_calls");
    }
}
