// What must hold, as data.
// SPDX-License-Identifier: MIT

#include "checks.hpp"

#include <algorithm>
#include <utility>

namespace user_page {

namespace {

class check_list {
public:
    explicit check_list(const json& report) : report_(report) {}

    [[nodiscard]] double at(std::string_view path) const { return report_.number(path); }
    void at_most(std::string name, double left, double right) {
        made_.push_back(check{std::move(name), left, true, right});
    }
    void at_least(std::string name, double left, double right) {
        made_.push_back(check{std::move(name), left, false, right});
    }
    [[nodiscard]] std::vector<check> take() { return std::move(made_); }

private:
    const json& report_;
    std::vector<check> made_;
};

void check_one_request(check_list& list) {
    const double slowest = list.at("pwg.slowest_call_ms");
    list.at_most("parallel PWG takes at most 1.15 x the slowest call", list.at("pwg.parallel_ms"), 1.15 * slowest);
    list.at_least("sequential PWG (sync) takes at least 2.8 x the slowest call", list.at("pwg.sync_ms"), 2.8 * slowest);
    list.at_least("sequential PWG (async) takes at least 2.8 x the slowest call", list.at("pwg.async_ms"), 2.8 * slowest);
    for (const std::string page : {"pwg", "page"}) {
        const double sync = list.at(page + ".sync_ms");
        const double async = list.at(page + ".async_ms");
        list.at_most(page + ": one request takes the same time sync and async, within 10 %", std::max(sync, async),
            1.1 * std::min(sync, async));
    }
    list.at_most("the parallel page takes at most 1.2 x 200 ms", list.at("page.parallel_ms"), 1.2 * 200);
}

void check_lanes(check_list& list) {
    const auto exactly = [&](const std::string& name, std::string_view path, double value) {
        list.at_least(name + ", not fewer", list.at(path), value);
        list.at_most(name + ", not more", list.at(path), value);
    };
    exactly("lanes: sync needs 3 threads", "lanes.sync.threads", 3);
    exactly("lanes: async needs 1 thread", "lanes.async.threads", 1);
    exactly("lanes: async has 3 calls in flight", "lanes.async.io_in_flight_max", 3);
    exactly("lanes: parallel needs 1 thread", "lanes.parallel.threads", 1);
    exactly("lanes: parallel has 9 calls in flight", "lanes.parallel.io_in_flight_max", 9);
}

void check_load(check_list& list) {
    list.at_most("1,000 in flight: the async page needs at most 8 threads", list.at("inflight_1000.async.threads_max"), 8);
    list.at_least(
        "1,000 in flight: the sync page needs hundreds of threads", list.at("inflight_1000.sync.threads_max"), 200);
    list.at_least("1,000 in flight: async throughput is at least 20 x sync with 20 threads",
        list.at("inflight_1000.async.requests_per_second"),
        20 * list.at("inflight_1000.sync_20_threads.requests_per_second"));
    list.at_least("five threads: the sync server queues at least 15 of 20", list.at("five_threads.sync.queued_max"), 15);
    list.at_most("five threads: the async server queues at most 1 of 20", list.at("five_threads.async.queued_max"), 1);
}

void check_processor_work(check_list& list) {
    const double speedup = list.at("filters.sequential_ms") / list.at("filters.parallel_ms");
    list.at_least("parallel filters reach at least 0.9 x the speed-up of plain threads", speedup,
        0.9 * list.at("filters.threads_speedup"));
    list.at_least("dependent steps gain nothing: async takes at least 0.98 x sync", list.at("dependent_steps.async_ms"),
        0.98 * list.at("dependent_steps.sync_ms"));
}

void check_event_loop(check_list& list) {
    list.at_most("an event loop whose handler awaits beats on: p99.9 gap below 20 ms",
        list.at("event_loop.awaiting_gap_ms"), 19.999);
    list.at_least("an event loop whose handler blocks stands still for the length of the block",
        list.at("event_loop.blocking_gap_ms"), 0.95 * list.at("event_loop.block_ms"));
    list.at_most("an event loop whose handler blocks stands still no longer than that",
        list.at("event_loop.blocking_gap_ms"), 1.1 * list.at("event_loop.block_ms"));
}

}  // namespace

std::string check::figures() const { return number_text(left) + (at_most ? " <= " : " >= ") + number_text(right); }

std::vector<check> check_report(const json& report) {
    check_list list(report);
    check_one_request(list);
    check_lanes(list);
    check_load(list);
    check_processor_work(list);
    check_event_loop(list);
    return list.take();
}

}  // namespace user_page
