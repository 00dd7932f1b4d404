// What does a lock between tasks cost? Weft: async_mutex.
// SPDX-License-Identifier: MIT

#include "weft/sync/async_mutex.hpp"

#include <vector>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

struct counter {
    weft::async_mutex mutex;
    std::uint64_t value = 0;
};

weft::task<> count(counter& to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        const auto lock = co_await to.mutex.lock();
        ++to.value;
    }
}

weft::task<> count_and_yield(counter& to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        const auto lock = co_await to.mutex.lock();
        ++to.value;
        co_await weft::yield();
    }
}

weft::task<bench::cost> measure(weft::task<> (*body)(counter&, std::uint64_t), std::uint64_t tasks, std::uint64_t each) {
    counter shared;
    const bench::stopwatch watch;
    std::vector<weft::task<>> counting;
    for (std::uint64_t t = 0; t < tasks; ++t) counting.push_back(weft::run(body, std::ref(shared), each));
    co_await weft::when_all(counting);
    const bench::cost cost = watch.each(tasks * each);
    if (shared.value != tasks * each) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks);
    const auto locks = arguments.number("locks", bench::parameters::locks);
    const auto hand_offs = arguments.number("hand_offs", bench::parameters::hand_offs);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost uncontended = runtime.run(measure, count, std::uint64_t{1}, locks);
        const bench::cost contended = runtime.run(measure, count, tasks, locks / tasks);
        const bench::cost hand_off = runtime.run(measure, count_and_yield, tasks, hand_offs / tasks);
        if (r == 0) continue;
        bench::report("uncontended", uncontended);
        bench::report("contended", contended, "allocations_contended");
        bench::report("hand_off", hand_off, "allocations_hand_off");
    }
}
