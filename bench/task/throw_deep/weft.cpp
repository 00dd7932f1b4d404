// What does a failure cost that passes through many awaits? Weft: an exception, an outcome, and an exception made an outcome.
// SPDX-License-Identifier: MIT

#include <stdexcept>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/outcome.hpp"
#include "weft/yield.hpp"

namespace {

using result = weft::outcome<std::uint64_t>;

weft::task<std::uint64_t> chain(std::uint64_t depth, bool fails) {
    if (depth > 0) {
        const std::uint64_t below = co_await chain(depth - 1, fails);
        co_return below + 1;
    }
    co_await weft::yield();
    if (fails) throw std::runtime_error("no");
    co_return depth;
}

weft::task<result> failing() {
    co_await weft::yield();
    co_return result(std::make_exception_ptr(std::runtime_error("no")), false);
}

weft::task<result> throwing() { co_return co_await chain(0, true).as_outcome(); }

template <auto Bottom>
weft::task<result> value_chain(std::uint64_t depth) {
    if (depth == 0) co_return co_await Bottom();
    const result below = co_await value_chain<Bottom>(depth - 1);
    if (!below) co_return below;
    co_return result(std::in_place, below.value() + 1);
}

weft::task<bench::cost> measure_throw(std::uint64_t n, std::uint64_t depth, bool fails) {
    const bench::stopwatch watch;
    std::uint64_t caught = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
        try {
            co_await chain(depth, fails);
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
    if (caught != (fails ? n : 0)) std::abort();
    co_return watch.each(n);
}

template <auto Bottom>
weft::task<bench::cost> measure_values(std::uint64_t n, std::uint64_t depth) {
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
        const result got = co_await value_chain<Bottom>(depth - 1);  // Bottom is the last
        if (!got.is_faulted()) std::abort();
    }
    co_return watch.each(n);
}

void report(const char* metric, const char* allocations, const bench::cost& each) {
    bench::report(metric, "us", each.nanoseconds / 1e3);
    bench::report_allocations(allocations, each);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("failures", bench::parameters::failures);
    const auto depth = arguments.number("depth", bench::parameters::depth);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost success = runtime.run(measure_throw, n, depth, false);
        const bench::cost thrown = runtime.run(measure_throw, n, depth, true);
        const bench::cost error = runtime.run(measure_values<failing>, n, depth);
        const bench::cost outcome = runtime.run(measure_values<throwing>, n, depth);
        if (r == 0) continue;
        report("success", "allocations_success", success);
        report("throw", "allocations_throw", thrown);
        report("error", "allocations_error", error);
        report("outcome", "allocations_outcome", outcome);
    }
}
