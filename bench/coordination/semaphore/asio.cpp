// What does a limit of tasks inside a region cost? Asio: an experimental concurrent channel that holds the permits.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

namespace {

class semaphore {
public:
    semaphore(bench::executor where, std::uint64_t permits) : tokens_(where, permits) {
        for (std::uint64_t i = 0; i < permits; ++i) release();
    }
    auto acquire() { return tokens_.async_receive(bench::asio::deferred); }
    void release() { tokens_.try_send(bench::error_code{}); }

private:
    bench::asio::experimental::basic_concurrent_channel<bench::executor, bench::asio::experimental::channel_traits<>,
        void(bench::error_code)>
        tokens_;
};

bench::awaitable<void> take_turns(bench::executor where, semaphore& gate, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_await gate.acquire();
        co_await bench::asio::post(where, bench::asio::deferred);
        gate.release();
    }
}

bench::awaitable<bench::cost> measure(
    bench::executor where, std::uint64_t tasks, std::uint64_t permits, std::uint64_t each) {
    semaphore gate(where, permits);
    const bench::stopwatch watch;
    bench::asio_group group(where);
    for (std::uint64_t t = 0; t < tasks; ++t) group.spawn(take_turns(where, gate, each));
    co_await group.join();
    co_return watch.each(tasks * each);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto tasks = arguments.number("tasks", bench::parameters::tasks);
    const auto permits = arguments.number("permits", bench::parameters::permits);
    const auto each = arguments.number("turns", bench::parameters::turns) / tasks;
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::asio_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost turn = runtime.run(measure(runtime.get_executor(), tasks, permits, each));
        if (r > 0) bench::report("turn", turn);
    }
}
