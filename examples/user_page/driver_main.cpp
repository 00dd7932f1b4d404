// Starts the services and the app in each configuration, measures them from outside, and shows what async changes.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/block_on.hpp>
#include <weft/http/server.hpp>

#include "app_measures.hpp"
#include "checks.hpp"
#include "command_line.hpp"
#include "json.hpp"
#include "local_measures.hpp"
#include "page.hpp"
#include "process.hpp"
#include "serving.hpp"
#include "statistics.hpp"
#include "table.hpp"

namespace {

using namespace std::chrono_literals;
using user_page::json;
using user_page::setup_error;

struct settings {
    bool once = false;
    std::size_t port = 8080;
    std::size_t seconds = 5;
    std::string report = "build/demo/report.json";
    std::string show;
};

settings parse(int count, char** arguments) {
    settings chosen;
    user_page::command_line line;
    line.flag("--once", chosen.once, "end after the table; status 1 if something that must hold does not");
    line.number("--port", chosen.port, 0, 65'535, "where to serve the pictures afterwards; 0: a free port; default 8080");
    line.number(
        "--seconds", chosen.seconds, 1, 600, "how long each load is measured; default 5, of the slowest three times");
    line.text("--report", chosen.report, "where the figures go; default build/demo/report.json");
    line.text("--show", chosen.show, "measure nothing, show this report");
    line.parse(count, arguments);
    return chosen;
}

// Says what is being done, and afterwards how long it took.
class step {
public:
    explicit step(const char* what) {
        std::fprintf(stderr, "-- %-62s", what);
        std::fflush(stderr);
    }
    ~step() { std::fprintf(stderr, "%6.1f s\n", watch_.milliseconds() / 1000); }
    step(const step&) = delete;
    step& operator=(const step&) = delete;

private:
    user_page::stopwatch watch_;
};

// It would be a pity to notice only after a minute of measuring.
void require_free_port(std::size_t port) {
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool is_free = bind(probe, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 && listen(probe, 1) == 0;
    close(probe);
    if (!is_free)
        throw setup_error(
            "listen on '127.0.0.1:" + std::to_string(port) + "' failed: the port is in use; choose another with --port");
}

void write_report(const std::string& path, const json& report) {
    std::ofstream file(path, std::ios::trunc);
    file << report.dump(true) << '\n';
    if (!file.flush()) throw setup_error("write '" + path + "' failed");
}

void require_writable(const std::string& path) {
    std::error_code problem;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, problem);
    if (problem) throw setup_error("make the folder '" + folder.string() + "' failed: " + problem.message());
    if (!std::ofstream(path, std::ios::app)) throw setup_error("write '" + path + "' failed: it cannot be opened");
}

json read_report(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw setup_error("open '" + path + "' failed: there is no such file");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    try {
        json report = json::parse(text);
        const auto checks = user_page::check_report(report);  // has every figure, or throws
        return report;
    } catch (const std::exception& error) {
        throw setup_error("'" + path + "' is no report: " + error.what());
    }
}

// ---- measuring

void measure_requests(const user_page::demo_world& world, json& report) {
    user_page::running_app app(world);
    report["machine"]["io_driver"] = user_page::ask_io_driver(app);
    {
        const step now("one request of three calls, three ways");
        report["pwg"] = user_page::measure_page(app, "/pwg/");
        report["pwg"]["slowest_call_ms"] = user_page::measure_slowest_call(world);
    }
    const step now("one user page: row, file, three calls, three ways");
    report["page"] = user_page::measure_page(app, "/user/1/");
}

void measure_loads(const user_page::demo_world& world, std::chrono::milliseconds measured, json& report) {
    json& loads = report["inflight_1000"];
    {
        const step now("1,000 requests in flight, sync");
        loads["sync"] = user_page::measure_load(world, "sync", 0, 3s, measured);
    }
    {
        // A request waits for five seconds here: the queue must be there before it is measured.
        const step now("1,000 requests in flight, sync with 20 threads");
        loads["sync_20_threads"] = user_page::measure_load(world, "sync", 20, 6s, 3 * measured);
    }
    const step now("1,000 requests in flight, async");
    loads["async"] = user_page::measure_load(world, "async", 0, 3s, measured);
}

json measure_everything(const settings& chosen) {
    json report;
    const user_page::machine_facts facts = user_page::this_machine();
    report["machine"]["cpu"] = facts.cpu;
    report["machine"]["cores"] = facts.cores;
    report["machine"]["kernel"] = facts.kernel;
    report["machine"]["io_driver"];
    report["machine"]["compiler"] = facts.compiler;

    const user_page::demo_world world;
    measure_requests(world, report);
    {
        const step now("three requests of three calls on a pool of one worker");
        report["lanes"] = user_page::measure_lanes(world);
    }
    measure_loads(world, std::chrono::seconds(chosen.seconds), report);
    {
        const step now("twenty requests to a server of five threads");
        for (const char* way : {"sync", "async"}) report["five_threads"][way] = user_page::measure_five_threads(world, way);
    }
    {
        const step now("an event loop whose handler blocks, awaits, idles");
        report["event_loop"] = user_page::measure_event_loop(world.services_port());
    }
    {
        const step now("four independent image filters");
        report["filters"] = user_page::measure_filters(facts.cores);
    }
    const step now("four dependent processor steps");
    report["dependent_steps"] = user_page::measure_dependent_steps();
    return report;
}

// ---- showing

// @returns how many do not hold
std::size_t print_checks(const json& report) {
    std::size_t failed = 0;
    std::printf("\nWhat must hold\n");
    for (const user_page::check& each : user_page::check_report(report)) {
        std::printf("  %-6s %-82s %s\n", each.holds() ? "holds" : "FAILS", each.name.c_str(), each.figures().c_str());
        if (!each.holds()) ++failed;
    }
    std::fflush(stdout);
    for (const user_page::check& each : user_page::check_report(report))
        if (!each.holds()) std::fprintf(stderr, "FAILS: %s: %s\n", each.name.c_str(), each.figures().c_str());
    return failed;
}

weft::task<> serve_pictures(const json& report, std::size_t port) {
    weft::http::router routes;
    routes.map_get("/", [page = user_page::page_of(report)] { return weft::http::response::html(page); })
        .map_get("/report.json", [text = report.dump(true) + '\n'] { return weft::http::response::json(text); });
    weft::http::server server(std::move(routes));
    user_page::report_errors(server, "user_page_driver");
    co_await user_page::serve(server, port, "\nThe same as pictures, until Ctrl-C: http://127.0.0.1:");
}

int driver_main(int count, char** arguments) {
    const settings chosen = parse(count, arguments);
    user_page::end_children_on_signals();
    if (!chosen.once) require_free_port(chosen.port);

    json report;
    if (chosen.show.empty()) {
        require_writable(chosen.report);
        report = measure_everything(chosen);
        write_report(chosen.report, report);
    } else {
        report = read_report(chosen.show);
    }
    std::printf("\n%s", user_page::table_of(report).c_str());
    const std::size_t failed = print_checks(report);
    if (chosen.show.empty()) std::printf("\nThe figures are in %s\n", chosen.report.c_str());
    if (chosen.once) return failed == 0 ? 0 : 1;
    weft::block_on(serve_pictures(report, chosen.port));
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    return user_page::guarded_main("user_page_driver", [&] { return driver_main(count, arguments); });
}
