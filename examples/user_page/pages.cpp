// The pages, three ways. Compare pwg_sync, pwg_async and pwg_parallel first; the user's page only has more kinds of waiting.
//
// The sync pages block in system calls inside a blocking_region, as programs without async do; the region tells the pool that
// the thread is lost for others, so that it may add one. They cost a thread a request.
// SPDX-License-Identifier: MIT

#include "pages.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include <weft/fs/file_operations.hpp>
#include <weft/scheduling/blocking_region.hpp>
#include <weft/when_all.hpp>

#include "json.hpp"

namespace user_page {

namespace {

using weft::http::content;
using weft::http::response;

response lists_page(const std::string& products, const std::string& widgets, const std::string& gizmos) {
    json page;
    page["products"] = json::parse(products);
    page["widgets"] = json::parse(widgets);
    page["gizmos"] = json::parse(gizmos);
    return response::json(page.dump());
}

response no_such_user(std::int64_t id) { return response(404, content("there is no user " + std::to_string(id) + "\n")); }

std::string escape(std::string_view text) {
    std::string out;
    for (const char next : text) {
        if (next == '<') out += "&lt;";
        else if (next == '>') out += "&gt;";
        else if (next == '&') out += "&amp;";
        else if (next == '"') out += "&quot;";
        else out += next;
    }
    return out;
}

response user_view(const user& who, const std::string& profile, const std::string& feed, const std::string& store,
    const std::string& pictures) {
    std::string page = "<!doctype html><meta charset=utf-8><title>" + escape(who.name) + "</title>\n";
    page += "<h1>" + escape(who.name) + "</h1><p>" + escape(who.email) + "</p>\n";
    page += "<p>" + escape(profile) + "</p>\n<ul>";
    for (const std::string* part : {&feed, &store, &pictures}) page += "<li>" + escape(*part) + "</li>";
    return response::html(page + "</ul>\n");
}

std::string path_of(std::string_view store, std::int64_t id) { return "/" + std::string(store) + "/" + std::to_string(id); }

std::string read_file_blocking(const std::string& path) {
    const weft::blocking_region region;
    std::ifstream file(path);
    if (!file) throw std::runtime_error("open '" + path + "' failed");
    return std::string(std::istreambuf_iterator<char>(file), {});
}

constexpr const char* select_user = "select id, name, email from users where id = {0}";

}  // namespace

pages::pages(weft::data::database users, std::string folder, std::uint16_t services_port, app_counters& counters)
    : users_(std::move(users)),
      folder_(std::move(folder)),
      blocking_(services_port),
      counters_(counters),
      trace_(counters) {
    services_.base_address("http://127.0.0.1:" + std::to_string(services_port));
}

// ---- one call to a service

std::string pages::call_blocking(std::uint64_t number, const std::string& path) {
    const traced_call traced(trace_, number, path);
    const weft::blocking_region region;
    return blocking_.get(path);
}

weft::task<std::string> pages::call(std::uint64_t number, std::string path) {
    const traced_call traced(trace_, number, path);
    co_return co_await services_.get_string(std::move(path));
}

// ---- /pwg/{sync|async|parallel}

pages::response pages::pwg_sync() {
    const counted_request counted(counters_);
    const std::string products = call_blocking(counted.number(), "/api/products");
    const std::string widgets = call_blocking(counted.number(), "/api/widgets");
    const std::string gizmos = call_blocking(counted.number(), "/api/gizmos");
    return lists_page(products, widgets, gizmos);
}

weft::task<pages::response> pages::pwg_async() {
    const counted_request counted(counters_);
    const std::string products = co_await call(counted.number(), "/api/products");
    const std::string widgets = co_await call(counted.number(), "/api/widgets");
    const std::string gizmos = co_await call(counted.number(), "/api/gizmos");
    co_return lists_page(products, widgets, gizmos);
}

weft::task<pages::response> pages::pwg_parallel() {
    const counted_request counted(counters_);
    auto products = call(counted.number(), "/api/products");
    auto widgets = call(counted.number(), "/api/widgets");
    auto gizmos = call(counted.number(), "/api/gizmos");
    co_await weft::when_all(products, widgets, gizmos);
    co_return lists_page(co_await products, co_await widgets, co_await gizmos);
}

// ---- /user/{id}/{sync|async|parallel}

pages::response pages::user_sync(request& asked) {
    const counted_request counted(counters_);
    const std::int64_t id = asked.route_int("id");
    const std::optional<user> who = users_.query_optional<user>(select_user, id).get();
    if (!who) return no_such_user(id);
    const std::string profile = read_file_blocking(profile_path(folder_, id));
    const std::string feed = call_blocking(counted.number(), path_of("feed", id));
    const std::string store = call_blocking(counted.number(), path_of("user-store", id));
    const std::string pictures = call_blocking(counted.number(), path_of("picture-store", id));
    return user_view(*who, profile, feed, store, pictures);
}

weft::task<pages::response> pages::user_async(request& asked) {
    const counted_request counted(counters_);
    const std::int64_t id = asked.route_int("id");
    const std::optional<user> who = co_await users_.query_optional<user>(select_user, id);
    if (!who) co_return no_such_user(id);
    const std::string profile = co_await weft::fs::read_all_text(profile_path(folder_, id));
    const std::string feed = co_await call(counted.number(), path_of("feed", id));
    const std::string store = co_await call(counted.number(), path_of("user-store", id));
    const std::string pictures = co_await call(counted.number(), path_of("picture-store", id));
    co_return user_view(*who, profile, feed, store, pictures);
}

weft::task<pages::response> pages::user_parallel(request& asked) {
    const counted_request counted(counters_);
    const std::int64_t id = asked.route_int("id");
    auto row = users_.query_optional<user>(select_user, id);
    weft::task<std::string> profile = weft::fs::read_all_text(profile_path(folder_, id));
    auto feed = call(counted.number(), path_of("feed", id));
    auto store = call(counted.number(), path_of("user-store", id));
    auto pictures = call(counted.number(), path_of("picture-store", id));
    const std::optional<user> who = co_await row;
    if (!who) {
        // What was begun for nobody ends by itself; the missing profile is no news.
        profile.forget();
        feed.forget();
        store.forget();
        pictures.forget();
        co_return no_such_user(id);
    }
    co_await weft::when_all(profile, feed, store, pictures);
    co_return user_view(*who, co_await profile, co_await feed, co_await store, co_await pictures);
}

// ---- /wait/{sync|async}

pages::response pages::wait_sync() {
    const counted_request counted(counters_);
    const weft::blocking_region region;
    return response::text(blocking_.get("/delay/100"));
}

weft::task<pages::response> pages::wait_async() {
    const counted_request counted(counters_);
    co_return response::text(co_await services_.get_string("/delay/100"));
}

// ---- about the app itself

pages::response pages::trace() { return response::json(trace_.to_json().dump()); }

pages::response pages::clear_trace() {
    trace_.clear();
    return response::text("cleared\n");
}

pages::response pages::stats() {
    weft::runtime& runtime = weft::runtime::current();
    json facts;
    facts["io_driver"] = runtime.io_driver().name();
    facts["threads"] = runtime.threads().total();
    facts["min_threads"] = runtime.pool().min_threads();
    facts["max_threads"] = runtime.pool().max_threads();
    facts["started"] = counters_.started.load(std::memory_order_relaxed);
    facts["finished"] = counters_.finished.load(std::memory_order_relaxed);
    facts["calls"] = counters_.calls.load(std::memory_order_relaxed);
    facts["calls_most"] = counters_.calls_most.load(std::memory_order_relaxed);
    return response::json(facts.dump());
}

weft::http::router pages::routes() {
    weft::http::router routes;
    routes.map_get("/pwg/sync", [this] { return pwg_sync(); })
        .map_get("/pwg/async", [this] { return pwg_async(); })
        .map_get("/pwg/parallel", [this] { return pwg_parallel(); })
        .map_get("/user/{id:int}/sync", [this](request& asked) { return user_sync(asked); })
        .map_get("/user/{id:int}/async", [this](request& asked) { return user_async(asked); })
        .map_get("/user/{id:int}/parallel", [this](request& asked) { return user_parallel(asked); })
        .map_get("/wait/sync", [this] { return wait_sync(); })
        .map_get("/wait/async", [this] { return wait_async(); })
        .map_get("/trace", [this] { return trace(); })
        .map_get("/trace/clear", [this] { return clear_trace(); })
        .map_get("/stats", [this] { return stats(); });
    return routes;
}

}  // namespace user_page
