// Printing the report.
// SPDX-License-Identifier: MIT

#include "table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <utility>

namespace user_page {

namespace {

[[gnu::format(printf, 2, 3)]] void add_line(std::string& out, const char* format, ...) {
    char line[256];
    va_list values;
    va_start(values, format);
    std::vsnprintf(line, sizeof line, format, values);
    va_end(values);
    out += line;
    out += '\n';
}

void add_requests(std::string& out, const json& report) {
    add_line(out, "%-44s %10s %10s %10s", "One request, ms", "sync", "async", "parallel");
    add_line(out, "  %-42s %10.1f %10.1f %10.1f   slowest call %.1f", "/pwg/...     3 calls of 500 ms",
        report.number("pwg.sync_ms"), report.number("pwg.async_ms"), report.number("pwg.parallel_ms"),
        report.number("pwg.slowest_call_ms"));
    add_line(out, "  %-42s %10.1f %10.1f %10.1f", "/user/1/...  row, file, 3 calls of 200 ms",
        report.number("page.sync_ms"), report.number("page.async_ms"), report.number("page.parallel_ms"));
}

void add_load(std::string& out, const json& report) {
    add_line(out, "%-30s %12s %12s %10s %10s %10s", "1,000 in flight on /wait/...", "threads used", "requests/s", "p50 ms",
        "p99 ms", "peak MiB");
    const std::pair<const char*, std::string> rows[] = {
        {"sync", "sync"}, {"sync, at most 20 threads", "sync_20_threads"}, {"async", "async"}};
    for (const auto& [label, key] : rows) {
        const json& row = *report.find("inflight_1000." + key);
        add_line(out, "  %-28s %12.0f %12.0f %10.1f %10.1f %10.1f", label, row.number("threads_max"),
            row.number("requests_per_second"), row.number("p50_ms"), row.number("p99_ms"), row.number("rss_mib"));
    }
    add_line(out, "  async answers %.1f times as many as sync with 20 threads",
        report.number("inflight_1000.async.requests_per_second") /
            report.number("inflight_1000.sync_20_threads.requests_per_second"));
    out += '\n';
    add_line(out, "%-44s %10s %10s", "20 requests to a server of five threads", "sync", "async");
    add_line(out, "  %-42s %10.0f %10.0f", "queued at most", report.number("five_threads.sync.queued_max"),
        report.number("five_threads.async.queued_max"));
    add_line(out, "  %-42s %10.1f %10.1f", "p99 ms", report.number("five_threads.sync.p99_ms"),
        report.number("five_threads.async.p99_ms"));
}

void add_processor_work(std::string& out, const json& report) {
    const double sequential = report.number("filters.sequential_ms");
    const double parallel = report.number("filters.parallel_ms");
    add_line(out, "Four independent image filters, %.0f cores", report.number("filters.cores"));
    add_line(out, "  sequential %.1f ms, parallel %.1f ms: %.2f times as fast; plain threads reach %.2f", sequential,
        parallel, sequential / parallel, report.number("filters.threads_speedup"));
    out += '\n';
    std::string threads;
    for (const json& thread : report.items("dependent_steps.async_step_threads"))
        threads += (threads.empty() ? "thread " : ", thread ") + number_text(thread.number());
    const double sync = report.number("dependent_steps.sync_ms");
    const double async = report.number("dependent_steps.async_ms");
    add_line(out, "Four dependent processor steps");
    add_line(out, "  sync %.1f ms, \"async\" %.1f ms: no gain (%+.1f %%), as each step needs the one before", sync, async,
        100 * (async / sync - 1));
    add_line(out, "  the sync steps ran on the calling thread, the async ones on %s of the pool", threads.c_str());
}

void add_event_loop(std::string& out, const json& report) {
    add_line(out, "%-44s %10s %10s %10s", "Event loop, p99.9 gap between heartbeats", "blocks", "awaits", "idle");
    add_line(out, "  %-42s %10.1f %10.1f %10.1f",
        ("handler of " + number_text(std::round(report.number("event_loop.block_ms"))) + " ms, gap in ms").c_str(),
        report.number("event_loop.blocking_gap_ms"), report.number("event_loop.awaiting_gap_ms"),
        report.number("event_loop.idle_gap_ms"));
}

// One row of the drawing: `t2 n3====|` is a call begun by thread 2 as the third in flight.
void draw_call(std::string& row, const placed_call& call, double scale) {
    const auto from = static_cast<std::size_t>(call.start_ms * scale);
    const auto until = std::max(from + 8, static_cast<std::size_t>(call.end_ms * scale));
    const std::string label = "t" + std::to_string(call.thread) + " n" + std::to_string(call.in_flight) + " " +
        call.call.substr(call.call.rfind('/') + 1);
    if (row.size() < until) row.resize(until, ' ');
    for (std::size_t at = from; at + 1 < until; ++at) row[at] = at - from < label.size() ? label[at - from] : '=';
    row[until - 1] = '|';
}

void add_lanes(std::string& out, const json& report) {
    constexpr std::size_t columns = 90;
    add_line(
        out, "Three requests of three calls each, a pool of one worker (tN: begun by thread N, nN: N calls in flight)");
    double longest = 1;
    for (const char* way : {"sync", "async", "parallel"})
        for (const json& call : report.items(std::string("lanes.") + way + ".calls"))
            longest = std::max(longest, call.number("end_ms"));
    for (const std::string way : {"sync", "async", "parallel"}) {
        add_line(out, "  %s: %.0f thread%s, at most %.0f in flight", way.c_str(),
            report.number("lanes." + way + ".threads"), report.number("lanes." + way + ".threads") > 1 ? "s" : "",
            report.number("lanes." + way + ".io_in_flight_max"));
        std::map<std::size_t, std::string> rows;
        std::map<std::size_t, std::size_t> owners;
        for (const placed_call& call : place_calls(report.items("lanes." + way + ".calls"))) {
            owners[call.row] = call.request;
            draw_call(rows[call.row], call, static_cast<double>(columns) / longest);
        }
        for (const auto& [row, drawing] : rows) add_line(out, "    request %zu |%s", owners[row] + 1, drawing.c_str());
    }
}

}  // namespace

std::vector<placed_call> place_calls(const json::array& calls) {
    std::map<double, std::size_t> requests;  // the request's number in the app, and its place here
    for (const json& call : calls) requests.emplace(call.number("request"), 0);
    std::size_t place = 0;
    for (auto& [number, index] : requests) index = place++;

    std::vector<std::vector<double>> ends(requests.size());  // of each row of a request, when it is free again
    std::vector<placed_call> placed;
    for (const json& call : calls) {
        placed_call each;
        each.request = requests.at(call.number("request"));
        each.thread = static_cast<std::size_t>(call.number("thread"));
        each.in_flight = static_cast<std::size_t>(call.number("in_flight"));
        each.call = call.text("call");
        each.start_ms = call.number("start_ms");
        each.end_ms = call.number("end_ms");
        auto& rows = ends[each.request];
        while (each.row < rows.size() && rows[each.row] > each.start_ms) ++each.row;
        if (each.row == rows.size()) rows.push_back(0);
        rows[each.row] = each.end_ms;
        placed.push_back(std::move(each));
    }
    std::vector<std::size_t> first_row(ends.size() + 1);
    for (std::size_t request = 0; request < ends.size(); ++request)
        first_row[request + 1] = first_row[request] + ends[request].size();
    for (placed_call& each : placed) each.row += first_row[each.request];
    return placed;
}

std::string table_of(const json& report) {
    std::string out;
    add_line(out, "Measured on %s, %.0f cores, Linux %s, %s, %s", report.text("machine.cpu").c_str(),
        report.number("machine.cores"), report.text("machine.kernel").c_str(), report.text("machine.io_driver").c_str(),
        report.text("machine.compiler").c_str());
    for (const auto add : {add_requests, add_lanes, add_load, add_processor_work, add_event_loop}) {
        out += '\n';
        add(out, report);
    }
    return out;
}

}  // namespace user_page
