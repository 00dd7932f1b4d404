// Drawing the report with inline SVG.
// SPDX-License-Identifier: MIT

#include "page.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include "checks.hpp"
#include "table.hpp"

namespace user_page {

namespace {

constexpr double picture_width = 900;
constexpr double label_width = 130;
constexpr double plot_width = picture_width - label_width - 90;
constexpr double row_height = 20;

constexpr std::array<std::string_view, 4> thread_colours{"#2f6fb0", "#c2592f", "#3d8f4f", "#8a5aa8"};
constexpr std::array<std::string_view, 3> ways{"sync", "async", "parallel"};

std::string_view colour_of(std::size_t thread) {
    return thread_colours[(thread + thread_colours.size() - 1) % thread_colours.size()];
}

std::string html_text(std::string_view text) {
    std::string out;
    for (const char next : text) {
        if (next == '<') out += "&lt;";
        else if (next == '>') out += "&gt;";
        else if (next == '&') out += "&amp;";
        else out += next;
    }
    return out;
}

std::string attribute(std::string_view name, double value) {
    return " " + std::string(name) + "=\"" + number_text(value) + "\"";
}

std::string rectangle(double x, double y, double width, double height, std::string_view fill, std::string_view more = {}) {
    return "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", std::max(width, 1.0)) +
        attribute("height", height) + " fill=\"" + std::string(fill) + "\"" + std::string(more) + "/>";
}

std::string words(double x, double y, std::string_view text, std::string_view more = {}) {
    return "<text" + attribute("x", x) + attribute("y", y) + std::string(more) + ">" + html_text(text) + "</text>";
}

std::string picture(double height, const std::string& content) {
    return "<svg viewBox=\"0 0 " + number_text(picture_width) + " " + number_text(height) + "\" role=\"img\">" + content +
        "</svg>\n";
}

// ---- lanes

// One strip a thread: where a sync way holds it, and where an async one only passes through.
std::string thread_strips(const std::vector<placed_call>& calls, bool held, double scale, double& y) {
    std::set<std::size_t> threads;
    for (const placed_call& call : calls) threads.insert(call.thread);
    std::string out;
    for (const std::size_t thread : threads) {
        out += words(0, y + 14, "thread " + std::to_string(thread));
        out += rectangle(label_width, y + 8, plot_width, 2, "#8884");
        for (const placed_call& call : calls) {
            if (call.thread != thread) continue;
            const double from = label_width + call.start_ms * scale;
            const double till = label_width + call.end_ms * scale;
            if (held) out += rectangle(from, y + 2, till - from, row_height - 6, colour_of(thread));
            else
                out += rectangle(from, y + 2, 3, row_height - 6, colour_of(thread)) +
                    rectangle(till - 3, y + 2, 3, row_height - 6, colour_of(thread));
        }
        y += row_height;
    }
    return out;
}

std::string call_rows(const std::vector<placed_call>& calls, double scale, double& y) {
    std::string out;
    std::size_t rows = 0;
    std::set<std::size_t> labelled;
    for (const placed_call& call : calls) {
        const double top = y + static_cast<double>(call.row) * row_height;
        if (labelled.insert(call.row).second) out += words(0, top + 14, "request " + std::to_string(call.request + 1));
        const double from = label_width + call.start_ms * scale;
        const std::string stroke = " fill-opacity=\"0.25\" stroke=\"" + std::string(colour_of(call.thread)) + "\"";
        out +=
            rectangle(from, top + 2, (call.end_ms - call.start_ms) * scale, row_height - 4, colour_of(call.thread), stroke);
        out +=
            words(from + 5, top + 14, call.call + " · " + std::to_string(call.in_flight) + " in flight", " class=\"in\"");
        rows = std::max(rows, call.row + 1);
    }
    y += static_cast<double>(rows) * row_height;
    return out;
}

std::string time_axis(double longest, double scale, double y) {
    std::string out;
    for (double at = 0; at <= longest + 1; at += 250) {
        const double x = label_width + at * scale;
        out += rectangle(x, y, 1, 5, "#888");
        out += words(x, y + 18, number_text(at) + (at == 0 ? " ms" : ""), " text-anchor=\"middle\" class=\"axis\"");
    }
    return out;
}

std::string lanes_picture(const json& report, std::string_view way, double longest) {
    const std::string path = "lanes." + std::string(way);
    const auto calls = place_calls(report.items(path + ".calls"));
    const double scale = plot_width / longest;
    double y = 4;
    std::string content = thread_strips(calls, way == "sync", scale, y);
    y += 6;
    content += call_rows(calls, scale, y);
    content += time_axis(longest, scale, y + 2);
    const std::string title = std::string(way) + ": " + number_text(report.number(path + ".threads")) +
        (report.number(path + ".threads") > 1 ? " threads" : " thread") + ", at most " +
        number_text(report.number(path + ".io_in_flight_max")) + " calls in flight";
    return "<h3>" + html_text(title) + "</h3>\n" + picture(y + 28, content);
}

std::string lanes_section(const json& report) {
    double longest = 1;
    for (const std::string_view way : ways)
        for (const json& call : report.items("lanes." + std::string(way) + ".calls"))
            longest = std::max(longest, call.number("end_ms"));
    std::string out =
        "<h2>Three requests of three calls each, on a pool of one worker</h2>\n"
        "<p>Above, what each thread does: a filled bar is a thread that is held, a mark is a moment in which it begins or "
        "ends a "
        "call and is free between. Below, the calls, in the colour of the thread that began them.</p>\n";
    for (const std::string_view way : ways) out += lanes_picture(report, way, longest);
    return out;
}

// ---- bars

struct bar {
    std::string label;
    double value;
};

std::string bars(std::string_view title, std::string_view unit, const std::vector<bar>& all) {
    double longest = 0;
    for (const bar& each : all) longest = std::max(longest, each.value);
    std::string out;
    double y = 4;
    for (std::size_t index = 0; index < all.size(); ++index) {
        const double width = longest > 0 ? all[index].value / longest * plot_width : 0;
        out += words(0, y + 14, all[index].label);
        out += rectangle(label_width, y + 2, width, row_height - 6, thread_colours[index % thread_colours.size()]);
        out += words(
            label_width + width + 6, y + 14, number_text(std::round(all[index].value * 10) / 10) + " " + std::string(unit));
        y += row_height;
    }
    return "<h3>" + html_text(title) + "</h3>\n" + picture(y + 4, out);
}

std::vector<bar> three_ways(const json& report, const std::string& prefix, const std::string& suffix) {
    std::vector<bar> all;
    for (const std::string_view way : ways)
        all.push_back(bar{std::string(way), report.number(prefix + std::string(way) + suffix)});
    return all;
}

std::vector<bar> three_loads(const json& report, const std::string& figure) {
    const std::string prefix = "inflight_1000.";
    return {{"sync", report.number(prefix + "sync." + figure)},
        {"sync, 20 threads", report.number(prefix + "sync_20_threads." + figure)},
        {"async", report.number(prefix + "async." + figure)}};
}

std::string bars_section(const json& report) {
    std::string out = "<h2>One request</h2>\n";
    out += bars("/pwg: three calls of 500 ms", "ms", three_ways(report, "pwg.", "_ms"));
    out += bars("/user/1: a row, a file and three calls of 200 ms", "ms", three_ways(report, "page.", "_ms"));
    out += "<h2>1,000 requests in flight, 100 ms of waiting each</h2>\n";
    out += bars("threads used by the app", "", three_loads(report, "threads_max"));
    out += bars("requests answered in a second", "", three_loads(report, "requests_per_second"));
    out += bars("time of a request, p50", "ms", three_loads(report, "p50_ms"));
    out += bars("time of a request, p99", "ms", three_loads(report, "p99_ms"));
    out += bars("peak memory of the app", "MiB", three_loads(report, "rss_mib"));
    out += "<h2>Twenty requests to a server of five threads</h2>\n";
    out += bars("waiting for a thread, at most", "",
        {{"sync", report.number("five_threads.sync.queued_max")},
            {"async", report.number("five_threads.async.queued_max")}});
    out += bars("time of a request, p99", "ms",
        {{"sync", report.number("five_threads.sync.p99_ms")}, {"async", report.number("five_threads.async.p99_ms")}});
    out += "<h2>Work for a processor</h2>\n";
    out += bars("four independent filters", "ms",
        {{"sequential", report.number("filters.sequential_ms")}, {"parallel", report.number("filters.parallel_ms")}});
    out += bars("four steps, each needs the one before: no gain", "ms",
        {{"sync", report.number("dependent_steps.sync_ms")}, {"async", report.number("dependent_steps.async_ms")}});
    out += "<h2>An event loop with a handler of " + number_text(std::round(report.number("event_loop.block_ms"))) +
        " ms</h2>\n";
    out += bars("gap between heartbeats, p99.9", "ms",
        {{"handler blocks", report.number("event_loop.blocking_gap_ms")},
            {"handler awaits", report.number("event_loop.awaiting_gap_ms")},
            {"idle", report.number("event_loop.idle_gap_ms")}});
    return out;
}

std::string checks_section(const json& report) {
    std::string out = "<h2>What must hold</h2>\n<table>\n";
    for (const check& each : check_report(report))
        out += "<tr><td>" + std::string(each.holds() ? "holds" : "<b>FAILS</b>") + "</td><td>" + html_text(each.name) +
            "</td><td>" + html_text(each.figures()) + "</td></tr>\n";
    return out + "</table>\n";
}

constexpr std::string_view page_head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>One user page, three ways</title>
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: currentColor; }
svg text.in, svg text.axis { font-size: 10px; }
h2 { margin-top: 2em; } h3 { margin: 1em 0 0; font-weight: 600; font-size: 15px; }
td { padding: 0 1em 0 0; vertical-align: top; }
</style></head><body>
<h1>One user page, three ways</h1>
)";

}  // namespace

std::string page_of(const json& report) {
    std::string out(page_head);
    out += "<p>Measured on " + html_text(report.text("machine.cpu")) + ", " + number_text(report.number("machine.cores")) +
        " cores, Linux " + html_text(report.text("machine.kernel")) + ", I/O by " +
        html_text(report.text("machine.io_driver")) + ", " + html_text(report.text("machine.compiler")) +
        ". All figures: <a href=\"/report.json\">report.json</a>.</p>\n";
    out += lanes_section(report);
    out += bars_section(report);
    out += checks_section(report);
    return out + "</body></html>\n";
}

}  // namespace user_page
