// What does it cost to be cancellable? Asio: a handler in a cancellation slot, and a cancellation_state.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"

namespace {

bench::awaitable<bench::cost> measure_register(std::uint64_t n) {
    bench::asio::cancellation_signal signal;
    bench::asio::cancellation_slot slot = signal.slot();
    std::uint64_t called = 0;
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
        slot.assign([&called](bench::asio::cancellation_type) { ++called; });
        slot.clear();
    }
    if (called != 0) std::abort();
    co_return watch.each(n);
}

bench::awaitable<bench::cost> measure_check(std::uint64_t n) {
    bench::asio::cancellation_signal signal;
    const bench::asio::cancellation_state state(signal.slot());
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
        bool canceled = state.cancelled() != bench::asio::cancellation_type::none;
        bench::keep(canceled);
    }
    co_return watch.each(n);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("operations", bench::parameters::operations);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost registering = runtime.run(measure_register(n));
        const bench::cost checking = runtime.run(measure_check(n));
        if (r == 0) continue;
        bench::report("register", registering, "allocations_register");
        bench::report("check", checking, "allocations_check");
    }
}
