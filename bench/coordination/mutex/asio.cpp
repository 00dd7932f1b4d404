// What does a lock between tasks cost? Asio: an experimental concurrent channel that holds the token of the lock.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

class mutex {
public:
    explicit mutex(bench::executor where) : token_(where, 1) { unlock(); }
    auto lock() { return token_.async_receive(bench::asio::deferred); }
    void unlock() { token_.try_send(bench::error_code{}); }

private:
    bench::asio::experimental::basic_concurrent_channel<bench::executor, bench::asio::experimental::channel_traits<>,
        void(bench::error_code)>
        token_;
};

struct counter {
    explicit counter(bench::executor on) : where(on), lock(on) {}

    bench::executor where;
    mutex lock;
    std::uint64_t value = 0;
};

bench::awaitable<void> count(counter& to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await to.lock.lock();
        ++to.value;
        to.lock.unlock();
    }
}

bench::awaitable<void> count_and_yield(counter& to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await to.lock.lock();
        ++to.value;
        co_await bench::asio::post(to.where, bench::asio::deferred);
        to.lock.unlock();
    }
}

bench::awaitable<bench::cost> measure(bench::executor where, bench::awaitable<void> (*body)(counter&, std::uint64_t),
    std::uint64_t tasks, std::uint64_t each) {
    counter shared(where);
    const bench::stopwatch watch;
    bench::asio_group group(where);
    for (std::uint64_t t = 0; t < tasks; ++t) group.spawn(body(shared, each));
    co_await group.join();
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
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    const bench::executor where = runtime.get_executor();
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost uncontended = runtime.run(measure(where, count, 1, locks));
        const bench::cost contended = runtime.run(measure(where, count, tasks, locks / tasks));
        const bench::cost hand_off = runtime.run(measure(where, count_and_yield, tasks, hand_offs / tasks));
        if (r == 0) continue;
        bench::report("uncontended", uncontended);
        bench::report("contended", contended, "allocations_contended");
        bench::report("hand_off", hand_off, "allocations_hand_off");
    }
}
