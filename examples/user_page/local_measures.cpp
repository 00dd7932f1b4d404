// Processor work does not become faster by awaiting it, only by sharing it out; and an event loop must not block.
// SPDX-License-Identifier: MIT

#include "local_measures.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

#include <weft/block_on.hpp>
#include <weft/delay.hpp>
#include <weft/event_loop_context.hpp>
#include <weft/http/client.hpp>
#include <weft/run.hpp>
#include <weft/task.hpp>
#include <weft/when_all.hpp>

#include "image.hpp"
#include "plain_http.hpp"
#include "statistics.hpp"

namespace user_page {

namespace {

using namespace std::chrono_literals;

// A filter takes some 5 ms: short enough to come through undisturbed now and then even on a busy machine, and long beside the
// microseconds that starting a task or a thread takes.
constexpr std::size_t picture_side = 384;
constexpr std::size_t filter_passes = 10;

// The best time of one way. The ways take turns, so that a disturbance meets all of them, until each has reached its best time
// three times: then it is the way's and not the moment's.
class best_time {
public:
    void add(double milliseconds) { times_.push_back(milliseconds); }
    [[nodiscard]] double value() const { return least(times_); }
    [[nodiscard]] bool settled() const {
        const double near = 1.01 * value();
        return times_.size() >= least_rounds &&
            std::ranges::count_if(times_, [&](double each) { return each <= near; }) >= 3;
    }
    [[nodiscard]] bool wants_more() const { return !settled() && times_.size() < most_rounds; }

private:
    static constexpr std::size_t least_rounds = 15;
    static constexpr std::size_t most_rounds = 80;

    std::vector<double> times_;
};

// ---- independent filters

double filter_sequentially(const image& source) {
    double sum = 0;
    for (std::size_t index = 0; index < filter_count; ++index) sum += checksum(apply_filter(index, source, filter_passes));
    return sum;
}

double filter_on_threads(const image& source) {
    std::array<double, filter_count> sums{};
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < filter_count; ++index)
        threads.emplace_back([&, index] { sums[index] = checksum(apply_filter(index, source, filter_passes)); });
    for (std::thread& each : threads) each.join();
    return sums[0] + sums[1] + sums[2] + sums[3];
}

weft::task<double> filter_in_parallel(const image& source) {
    std::vector<weft::task<double>> running;
    for (std::size_t index = 0; index < filter_count; ++index)
        running.push_back(weft::run([&source, index] { return checksum(apply_filter(index, source, filter_passes)); }));
    const std::vector<double> sums = co_await weft::when_all(std::move(running));
    co_return sums[0] + sums[1] + sums[2] + sums[3];
}

// ---- dependent steps

double steps_as_calls(image picture) {
    for (std::size_t step = 0; step < filter_count; ++step) picture = apply_filter(step, std::move(picture), filter_passes);
    return checksum(picture);
}

image step_on_pool(std::size_t step, image picture, pid_t* thread) {
    *thread = gettid();
    return apply_filter(step, std::move(picture), filter_passes);
}

weft::task<double> steps_awaited(image picture, std::array<pid_t, filter_count>& threads) {
    for (std::size_t step = 0; step < filter_count; ++step)
        picture = co_await weft::run(step_on_pool, step, std::move(picture), &threads[step]);
    co_return checksum(picture);
}

// ---- event loop

enum class handler_kind { blocks, awaits, idles };

constexpr std::size_t handler_calls = 5;
constexpr auto handler_pause = 100ms;
constexpr auto heartbeat = 1ms;
constexpr const char* handler_target = "/delay/300";

struct loop_record {
    std::vector<double> gaps_ms;
    std::vector<double> handlers_ms;
    bool over = false;
};

weft::task<> beat(loop_record& record) {
    while (!record.over) {
        const stopwatch gap;
        co_await weft::delay(heartbeat);
        record.gaps_ms.push_back(gap.milliseconds());
    }
}

weft::task<> handle(handler_kind kind, std::uint16_t port, loop_record& record) {
    blocking_client blocking(port);
    weft::http::client awaiting;
    awaiting.base_address("http://127.0.0.1:" + std::to_string(port));
    for (std::size_t call = 0; call < handler_calls; ++call) {
        co_await weft::delay(handler_pause);
        const stopwatch handler;
        if (kind == handler_kind::blocks) {
            static_cast<void>(blocking.get(handler_target));
        } else if (kind == handler_kind::awaits) {
            static_cast<void>(co_await awaiting.get_string(handler_target));
        } else {
            co_await weft::delay(300ms);
        }
        record.handlers_ms.push_back(handler.milliseconds());
    }
    record.over = true;
}

weft::task<> beat_and_handle(handler_kind kind, std::uint16_t port, loop_record& record) {
    weft::task<> beating = beat(record);
    weft::task<> handling = handle(kind, port, record);
    co_await weft::when_all(std::move(beating), std::move(handling));
}

// The loop runs on this thread, as a user interface does on its main thread.
loop_record run_loop(handler_kind kind, std::uint16_t port) {
    loop_record record;
    weft::event_loop_context loop;
    const weft::synchronization_context_scope scope(&loop);
    loop.run_until(beat_and_handle(kind, port, record));
    return record;
}

}  // namespace

json measure_filters(std::size_t cores) {
    const image source = make_image(picture_side);
    best_time sequential, threads, parallel;
    do {
        const stopwatch calls;
        const double expected = filter_sequentially(source);
        sequential.add(calls.milliseconds());
        const stopwatch on_threads;
        const double same = filter_on_threads(source);
        threads.add(on_threads.milliseconds());
        const stopwatch in_tasks;
        const double also = weft::block_on(filter_in_parallel(source));
        parallel.add(in_tasks.milliseconds());
        if (same != expected || also != expected) throw std::runtime_error("the filters gave different pictures");
    } while (sequential.wants_more() || threads.wants_more() || parallel.wants_more());
    json figures;
    figures["sequential_ms"] = sequential.value();
    figures["parallel_ms"] = parallel.value();
    figures["threads_speedup"] = sequential.value() / threads.value();
    figures["cores"] = cores;
    return figures;
}

json measure_dependent_steps() {
    const image source = make_image(picture_side);
    std::array<pid_t, filter_count> threads{};
    best_time sync, async;
    do {
        const stopwatch calls;
        const double expected = steps_as_calls(source);
        sync.add(calls.milliseconds());
        const stopwatch awaited;
        const double same = weft::block_on(steps_awaited(source, threads));
        async.add(awaited.milliseconds());
        if (same != expected) throw std::runtime_error("the dependent steps gave different pictures");
    } while (sync.wants_more() || async.wants_more());
    json figures;
    figures["sync_ms"] = sync.value();
    figures["async_ms"] = async.value();
    std::vector<pid_t> distinct;  // numbered from 1 in the order in which the steps met them
    for (const pid_t thread : threads) {
        const auto known = std::find(distinct.begin(), distinct.end(), thread);
        figures["async_step_threads"].push_back(known - distinct.begin() + 1);
        if (known == distinct.end()) distinct.push_back(thread);
    }
    figures["async_threads"] = distinct.size();
    return figures;
}

json measure_event_loop(std::uint16_t services_port) {
    const loop_record blocking = run_loop(handler_kind::blocks, services_port);
    const loop_record awaiting = run_loop(handler_kind::awaits, services_port);
    const loop_record idle = run_loop(handler_kind::idles, services_port);
    json figures;
    figures["blocking_gap_ms"] = percentile(blocking.gaps_ms, 0.999);
    figures["awaiting_gap_ms"] = percentile(awaiting.gaps_ms, 0.999);
    figures["idle_gap_ms"] = percentile(idle.gaps_ms, 0.999);
    figures["block_ms"] = median(blocking.handlers_ms);
    return figures;
}

}  // namespace user_page
