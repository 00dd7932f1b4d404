// The services that the pages call: each answers late, and none holds a thread meanwhile.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include <weft/block_on.hpp>
#include <weft/delay.hpp>
#include <weft/http/server.hpp>

#include "command_line.hpp"
#include "json.hpp"
#include "serving.hpp"

namespace {

using namespace std::chrono_literals;
using weft::http::request;
using weft::http::response;

weft::task<response> answer_after(std::chrono::milliseconds pause, std::string body, weft::cancellation_token token) {
    co_await weft::delay(pause, token);
    co_return response::json(std::move(body));
}

weft::task<response> wait_as_asked(request& asked, weft::cancellation_token token) {
    const auto pause = asked.route_int("ms");
    if (pause < 0 || pause > 60'000) co_return response(400, "the delay must be from 0 to 60000 ms");
    co_await weft::delay(std::chrono::milliseconds(pause), token);
    co_return response::text("waited " + std::to_string(pause) + " ms\n");
}

// "/api/products" answers ["first of products", …].
void map_list(weft::http::router& routes, const std::string& name) {
    routes.map_get("/api/" + name, [name](request&, const weft::cancellation_token& token) {
        user_page::json list;
        for (const char* which : {"first", "second", "third"}) list.push_back(std::string(which) + " of " + name);
        return answer_after(500ms, list.dump(), token);
    });
}

// "/feed/7" answers {"user": 7, "feed": "…"}.
void map_store(weft::http::router& routes, const std::string& name) {
    routes.map_get("/" + name + "/{id:int}", [name](request& asked, const weft::cancellation_token& token) {
        user_page::json entry;
        entry["user"] = asked.route_int("id");
        entry[name] = "what " + name + " has of user " + std::to_string(asked.route_int("id"));
        return answer_after(200ms, entry.dump(), token);
    });
}

weft::http::router make_routes() {
    weft::http::router routes;
    routes.map_get("/delay/{ms:int}", wait_as_asked);
    for (const char* list : {"products", "widgets", "gizmos"}) map_list(routes, list);
    for (const char* store : {"feed", "user-store", "picture-store"}) map_store(routes, store);
    return routes;
}

weft::task<> run_services(std::size_t port) {
    weft::http::server server(make_routes(), user_page::many_connections());
    user_page::report_errors(server, "user_page_services");
    co_await user_page::serve(server, port);
}

int services_main(int count, char** arguments) {
    std::size_t port = 0;
    std::size_t parent = 0;
    user_page::command_line line;
    line.number("--port", port, 0, 65'535, "where to listen; 0: a free port");
    line.number("--parent", parent, 1, 1U << 30, "the process to end with");
    line.parse(count, arguments);
    if (parent != 0) user_page::end_with_parent(parent);

    const auto runtime = user_page::make_runtime();
    weft::block_on(*runtime, run_services, port);
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    return user_page::guarded_main("user_page_services", [&] { return services_main(count, arguments); });
}
