// Starting the app in each configuration and asking it from outside.
// SPDX-License-Identifier: MIT

#include "app_measures.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "command_line.hpp"
#include "statistics.hpp"

namespace user_page {

namespace {

constexpr std::size_t request_rounds = 3;
constexpr std::size_t burst_size = 20;
constexpr double begun_within_ms = 25;

double time_of(blocking_client& client, const std::string& path) {
    const stopwatch watch;
    static_cast<void>(client.get(path));
    return watch.milliseconds();
}

std::vector<std::string> with_world(
    const demo_world& world, std::vector<std::string> options, const std::string& counters) {
    options.insert(options.end(),
        {"--services", std::to_string(world.services_port()), "--data", world.folder(), "--counters", counters});
    return options;
}

// A counters file for each app, so that a new one begins at zero.
std::string next_counters_path(const demo_world& world) {
    static std::size_t last = 0;
    return world.folder() + "/counters-" + std::to_string(++last);
}

void require_no_failures(const load_result& load, const std::string& path) {
    if (load.failures > 0)
        throw std::runtime_error(std::to_string(load.failures) + " requests of '" + path + "' failed under load");
}

json summarise_lanes(const json& calls) {
    std::set<double> threads;
    double most = 0;
    for (const json& call : calls.items()) {
        threads.insert(call.number("thread"));
        most = std::max(most, call.number("in_flight"));
    }
    json lanes;
    lanes["threads"] = threads.size();
    lanes["io_in_flight_max"] = most;
    lanes["calls"] = calls;
    return lanes;
}

// What send_burst() calls each millisecond: how many of the burst have no handler yet.
struct queue_watch {
    const app_counters* counters;
    std::uint64_t started_before;
    std::size_t most = 0;

    static void look(void* context, double since_sent_ms) {
        auto& watch = *static_cast<queue_watch*>(context);
        if (since_sent_ms < begun_within_ms) return;
        const auto begun = watch.counters->started.load(std::memory_order_relaxed) - watch.started_before;
        watch.most = std::max(watch.most, burst_size - std::min<std::size_t>(burst_size, begun));
    }
};

}  // namespace

demo_world::demo_world() : services_("user_page_services", {}), services_port_(services_.wait_for_port()) {
    child prepare("user_page_app", {"--prepare", scratch_.path()});
    if (const int status = prepare.wait_for_end(); status != 0)
        throw setup_error("'user_page_app --prepare' ended with status " + std::to_string(status));
}

running_app::running_app(const demo_world& world, std::vector<std::string> options)
    : counters_path_(next_counters_path(world)),
      counters_(counters_path_),
      process_("user_page_app", with_world(world, std::move(options), counters_path_)),
      port_(process_.wait_for_port()),
      client_(port_) {}

json measure_page(running_app& app, const std::string& prefix) {
    json figures;
    for (const std::string way : {"sync", "async", "parallel"}) {
        static_cast<void>(app.client().get(prefix + way));  // connections to the services are there after this
        std::vector<double> times;
        for (std::size_t round = 0; round < request_rounds; ++round) times.push_back(time_of(app.client(), prefix + way));
        figures[way + "_ms"] = median(times);
    }
    return figures;
}

double measure_slowest_call(const demo_world& world) {
    blocking_client services(world.services_port());
    double slowest = 0;
    for (const std::string call : {"/api/products", "/api/widgets", "/api/gizmos"}) {
        std::vector<double> times;
        for (std::size_t round = 0; round < request_rounds; ++round) times.push_back(time_of(services, call));
        slowest = std::max(slowest, median(times));
    }
    return slowest;
}

std::string ask_io_driver(running_app& app) { return json::parse(app.client().get("/stats")).text("io_driver"); }

json measure_lanes(const demo_world& world) {
    running_app app(world, {"--workers", "1"});
    json lanes;
    lanes["sync"];  // the order of the report; sync is measured last, for the threads it adds stay for a while
    for (const std::string way : {"async", "parallel", "sync"}) {
        const std::string path = "/pwg/" + way;
        static_cast<void>(app.client().get("/trace/clear"));
        require_no_failures(send_burst(app.port(), path, 3), path);
        lanes[way] = summarise_lanes(json::parse(app.client().get("/trace")));
    }
    return lanes;
}

json measure_load(const demo_world& world, const std::string& way, std::size_t max_threads,
    std::chrono::milliseconds warm_up, std::chrono::milliseconds measured) {
    std::vector<std::string> options;
    if (max_threads > 0) options = {"--max-threads", std::to_string(max_threads)};
    running_app app(world, std::move(options));
    thread_watch threads(app.process());
    const std::string path = "/wait/" + way;
    const load_result load = keep_in_flight(app.port(), path, 1000, warm_up, measured);
    require_no_failures(load, path);
    json figures;
    figures["threads_max"] = threads.stop();
    figures["requests_per_second"] = load.requests_per_second();
    figures["p50_ms"] = percentile(load.latencies_ms, 0.5);
    figures["p99_ms"] = percentile(load.latencies_ms, 0.99);
    figures["rss_mib"] = peak_memory_mib(app.process());
    return figures;
}

json measure_five_threads(const demo_world& world, const std::string& way) {
    running_app app(world, {"--workers", "5", "--max-threads", "5"});
    const std::string path = "/wait/" + way;
    require_no_failures(send_burst(app.port(), path, burst_size), path);
    queue_watch watch{&app.counters(), app.counters().started.load(std::memory_order_relaxed)};
    const load_result burst = send_burst(app.port(), path, burst_size, queue_watch::look, &watch);
    require_no_failures(burst, path);
    json figures;
    figures["p99_ms"] = percentile(burst.latencies_ms, 0.99);
    figures["queued_max"] = watch.most;
    return figures;
}

}  // namespace user_page
