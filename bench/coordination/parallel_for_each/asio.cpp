// What does a loop over items add to each item? Asio: coroutines that take items from a shared source, written by hand.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"

#include <mutex>
#include <optional>

#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

using marks = std::vector<unsigned char>;

struct mark_at_once {
    bench::executor where;
    marks* done;
    bench::awaitable<void> operator()(std::uint64_t item) const {
        (*done)[item] = 1;
        co_return;
    }
};

struct mark_after_yield {
    bench::executor where;
    marks* done;
    bench::awaitable<void> operator()(std::uint64_t item) const {
        co_await bench::asio::post(where, bench::asio::deferred);
        (*done)[item] = 1;
    }
};

/// Any range whose iterator one coroutine at a time may use.
class locked_source {
public:
    explicit locked_source(std::uint64_t items) : last_(items) {}
    std::optional<std::uint64_t> next() {
        const std::lock_guard lock(mutex_);
        if (at_ == last_) return std::nullopt;
        return at_++;
    }

private:
    std::mutex mutex_;
    std::uint64_t at_ = 0;
    const std::uint64_t last_;
};

class counter_source {
public:
    explicit counter_source(std::uint64_t items) : last_(items) {}
    std::optional<std::uint64_t> next() {
        const std::uint64_t mine = taken_.fetch_add(1, std::memory_order_relaxed);
        if (mine >= last_) return std::nullopt;
        return mine;
    }

private:
    std::atomic<std::uint64_t> taken_{0};
    const std::uint64_t last_;
};

template <class Source, class Body>
bench::awaitable<void> work(Source& source, const Body& body) {
    while (const auto item = source.next()) co_await body(*item);
}

template <class Source, class Body>
bench::awaitable<bench::cost> measure(bench::executor where, std::uint64_t items, std::uint64_t degree) {
    marks done(items);
    const bench::stopwatch watch;
    Source source(items);
    const Body body{where, &done};
    bench::asio_group group(where);
    for (std::uint64_t i = 0; i < degree; ++i) group.spawn(work(source, body));
    co_await group.join();
    const bench::cost cost = watch.each(items);
    if (std::ranges::count(done, 1) != static_cast<std::ptrdiff_t>(items)) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto trivial = arguments.number("trivial_items", bench::parameters::trivial_items);
    const auto yielding = arguments.number("yielding_items", bench::parameters::yielding_items);
    const auto degree = arguments.number("degree", bench::parameters::degree);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    const bench::executor where = runtime.get_executor();
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost trivial_cost = runtime.run(measure<locked_source, mark_at_once>(where, trivial, degree));
        const bench::cost yielding_cost = runtime.run(measure<locked_source, mark_after_yield>(where, yielding, degree));
        const bench::cost numbers_trivial = runtime.run(measure<counter_source, mark_at_once>(where, trivial, degree));
        const bench::cost numbers_yielding =
            runtime.run(measure<counter_source, mark_after_yield>(where, yielding, degree));
        if (r == 0) continue;
        bench::report("trivial", trivial_cost, "allocations_trivial");
        bench::report("yielding", yielding_cost, "allocations_yielding");
        bench::report("numbers_trivial", numbers_trivial, "allocations_n_trivial");
        bench::report("numbers_yielding", numbers_yielding, "allocations_n_yield");
    }
}
