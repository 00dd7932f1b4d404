// The web application: serves the pages of pages.cpp on a runtime of the size it is told.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <weft/block_on.hpp>
#include <weft/http/server.hpp>
#include <weft/runtime.hpp>

#include "command_line.hpp"
#include "observation.hpp"
#include "pages.hpp"
#include "serving.hpp"
#include "user_data.hpp"

namespace {

struct settings {
    std::size_t port = 0;
    std::size_t services = 0;
    std::size_t workers = 0;
    std::size_t max_threads = 0;
    std::size_t parent = 0;
    std::string data;
    std::string counters;
    std::string prepare;
};

settings parse(int count, char** arguments) {
    settings chosen;
    user_page::command_line line;
    line.number("--port", chosen.port, 0, 65'535, "where to listen; 0: a free port");
    line.number("--services", chosen.services, 1, 65'535, "the port where user_page_services listens");
    line.number("--workers", chosen.workers, 1, 1024, "workers of the pool; default: the processors");
    line.number("--max-threads", chosen.max_threads, 1, 4096, "most threads of the pool; default: 1024");
    line.number("--parent", chosen.parent, 1, 1U << 30, "the process to end with");
    line.text("--data", chosen.data, "the folder with the users' data");
    line.text("--counters", chosen.counters, "a file in which to count, for the driver");
    line.text("--prepare", chosen.prepare, "make the users' data in this folder and end");
    line.parse(count, arguments);
    if (!chosen.prepare.empty()) return chosen;
    if (chosen.services == 0)
        throw user_page::setup_error("option '--services' is missing: the port of user_page_services");
    if (chosen.data.empty())
        throw user_page::setup_error("option '--data' is missing: the folder that --prepare has filled");
    return chosen;
}

weft::task<> run_app(const settings& chosen, user_page::app_counters& counters) {
    auto users = co_await user_page::open_user_data(chosen.data);
    user_page::pages pages(std::move(users), chosen.data, static_cast<std::uint16_t>(chosen.services), counters);
    weft::http::server server(pages.routes(), user_page::many_connections());
    user_page::report_errors(server, "user_page_app");
    co_await user_page::serve(server, chosen.port);
}

int app_main(int count, char** arguments) {
    const settings chosen = parse(count, arguments);
    if (chosen.parent != 0) user_page::end_with_parent(chosen.parent);

    weft::runtime_options options;
    options.min_threads = chosen.workers;
    options.max_threads = chosen.max_threads;
    const auto runtime = user_page::make_runtime(options);
    if (!chosen.prepare.empty()) {
        weft::block_on(*runtime, user_page::make_user_data, chosen.prepare);
        return 0;
    }
    user_page::app_counters private_counters;
    if (chosen.counters.empty()) {
        weft::block_on(*runtime, [&] { return run_app(chosen, private_counters); });
    } else {
        const user_page::shared_counters shared(chosen.counters);
        weft::block_on(*runtime, [&] { return run_app(chosen, *shared); });
    }
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    return user_page::guarded_main("user_page_app", [&] { return app_main(count, arguments); });
}
