// What does a failure cost that passes through many awaits? Asio: an exception, and Boost's result.
// SPDX-License-Identifier: MIT

#include <boost/system/result.hpp>
#include <stdexcept>

#include "parameters.hpp"
#include "support/asio.hpp"

namespace {

using result = boost::system::result<std::uint64_t>;

bench::awaitable<std::uint64_t> chain(bench::executor where, std::uint64_t depth, bool fails) {
    if (depth > 0) {
        const std::uint64_t below = co_await chain(where, depth - 1, fails);
        co_return below + 1;
    }
    co_await bench::asio::post(where, bench::asio::deferred);
    if (fails) throw std::runtime_error("no");
    co_return depth;
}

bench::awaitable<result> value_chain(bench::executor where, std::uint64_t depth) {
    if (depth > 0) {
        const result below = co_await value_chain(where, depth - 1);
        if (!below) co_return below;
        co_return *below + 1;
    }
    co_await bench::asio::post(where, bench::asio::deferred);
    co_return bench::error_code(bench::asio::error::connection_refused);
}

bench::awaitable<bench::cost> measure_throw(bench::executor where, std::uint64_t n, std::uint64_t depth, bool fails) {
    const bench::stopwatch watch;
    std::uint64_t caught = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
        try {
            co_await chain(where, depth, fails);
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
    if (caught != (fails ? n : 0)) std::abort();
    co_return watch.each(n);
}

bench::awaitable<bench::cost> measure_values(bench::executor where, std::uint64_t n, std::uint64_t depth) {
    const bench::stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
        const result got = co_await value_chain(where, depth);
        if (got) std::abort();
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
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost success = runtime.run(measure_throw(runtime.get_executor(), n, depth, false));
        const bench::cost thrown = runtime.run(measure_throw(runtime.get_executor(), n, depth, true));
        const bench::cost error = runtime.run(measure_values(runtime.get_executor(), n, depth));
        if (r == 0) continue;
        report("success", "allocations_success", success);
        report("throw", "allocations_throw", thrown);
        report("error", "allocations_error", error);
    }
}
