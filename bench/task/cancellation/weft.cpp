// What does it cost to be cancellable? Weft: a callback registered on a token, and a look at the token.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/cancellation.hpp"

namespace {

bench::cost measure_register(std::uint64_t n) {
    const weft::cancellation_source source;
    const weft::cancellation_token token = source.token();
    std::uint64_t called = 0;
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
        const weft::cancellation_registration registration = token.register_callback([&called] { ++called; });
    }
    if (called != 0) std::abort();
    return watch.each(n);
}

bench::cost measure_check(std::uint64_t n) {
    const weft::cancellation_source source;
    weft::cancellation_token token = source.token();
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
        bool canceled = token.is_cancellation_requested();
        bench::keep(canceled);
    }
    return watch.each(n);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("operations", bench::parameters::operations);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost registering = runtime.run(measure_register, n);
        const bench::cost checking = runtime.run(measure_check, n);
        if (r == 0) continue;
        bench::report("register", registering, "allocations_register");
        bench::report("check", checking, "allocations_check");
    }
}
