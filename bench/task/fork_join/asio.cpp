// What does a fork cost in a recursion? Asio: operator&&, which spawns both halves.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <tuple>

namespace {

using namespace boost::asio::experimental::awaitable_operators;

// The number of calls rather than the Fibonacci number itself: it is what the time is divided by.
bench::awaitable<std::uint64_t> calls_of(std::uint64_t n) {
    if (n < 2) co_return 1;
    const auto [left, right] = co_await (calls_of(n - 1) && calls_of(n - 2));
    co_return 1 + left + right;
}

bench::awaitable<bench::cost> measure(std::uint64_t n) {
    const bench::stopwatch watch;
    const std::uint64_t calls = co_await calls_of(n);
    co_return watch.each(calls);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto n = arguments.number("number", bench::parameters::number);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure(n));
        if (r > 0) bench::report("fork_join", each);
    }
}
