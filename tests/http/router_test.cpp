// Which pattern answers which path.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "http/request_access.hpp"
#include "weft/http/router.hpp"

namespace {

using namespace weft::http;

struct answer {
    int status;
    std::string body;
    std::string allow;
};

answer ask(router& routes, method which, std::string_view target) {
    request asked(which, "/");
    EXPECT_TRUE(detail::request_access::target(asked).assign(target)) << target;
    response given = routes.handle(asked, weft::cancellation_token()).get();
    return {given.status(), std::string(given.content().bytes()), std::string(given.headers().get("Allow").value_or(""))};
}

std::string body_of(router& routes, std::string_view target) { return ask(routes, method::get, target).body; }

TEST(router, prefers_the_literal_then_the_integer_then_the_parameter_then_the_rest) {
    router routes;
    routes.map_get("/u/{*rest}", [](request& asked) { return "rest " + std::string(asked.route_value("rest")); });
    routes.map_get("/u/{name}", [](request& asked) { return "name " + std::string(asked.route_value("name")); });
    routes.map_get("/u/{id:int}", [](request& asked) { return "id " + std::to_string(asked.route_int("id")); });
    routes.map_get("/u/me", [] { return "me"; });

    EXPECT_EQ(body_of(routes, "/u/me"), "me");
    EXPECT_EQ(body_of(routes, "/u/17"), "id 17");
    EXPECT_EQ(body_of(routes, "/u/-17"), "id -17");
    EXPECT_EQ(body_of(routes, "/u/17x"), "name 17x");
    EXPECT_EQ(body_of(routes, "/u/99999999999999999999"), "name 99999999999999999999");
    EXPECT_EQ(body_of(routes, "/u/a/b/c"), "rest a/b/c");
    EXPECT_EQ(body_of(routes, "/u/"), "");
}

TEST(router, goes_back_when_the_more_exact_branch_leads_nowhere) {
    router routes;
    routes.map_get("/a/b/c", [] { return "literal"; });
    routes.map_get("/{x}/b/{y}",
        [](request& asked) { return std::string(asked.route_value("x")) + "-" + std::string(asked.route_value("y")); });
    routes.map_get("/a/{n:int}/c", [](request& asked) { return "n" + std::string(asked.route_value("n")); });

    EXPECT_EQ(body_of(routes, "/a/b/c"), "literal");
    EXPECT_EQ(body_of(routes, "/a/b/d"), "a-d");
    EXPECT_EQ(body_of(routes, "/a/7/c"), "n7");
    EXPECT_EQ(ask(routes, method::get, "/a/7/d").status, 404);
}

TEST(router, answers_404_405_with_allow_and_head_by_get) {
    router routes;
    routes.map_get("/a", [] { return "get"; });
    routes.map_delete("/a", [] { return response(204); });
    routes.map_post("/p", [] { return "post"; });

    EXPECT_EQ(ask(routes, method::get, "/b").status, 404);
    EXPECT_EQ(ask(routes, method::get, "/a/b").status, 404);
    EXPECT_EQ(ask(routes, method::head, "/a").body, "get");
    EXPECT_EQ(ask(routes, method::delete_, "/a").status, 204);
    const answer refused = ask(routes, method::put, "/a");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.allow, "GET, HEAD, DELETE");
    EXPECT_EQ(ask(routes, method::head, "/p").allow, "POST");
    EXPECT_EQ(ask(routes, method::options, "*").status, 404);
}

TEST(router, ignores_one_slash_at_the_end) {
    router routes;
    routes.map_get("/", [] { return "root"; });
    routes.map_get("/a", [] { return "a"; });
    EXPECT_EQ(body_of(routes, "/"), "root");
    EXPECT_EQ(body_of(routes, "/a/"), "a");
    EXPECT_EQ(ask(routes, method::get, "/a//").status, 404);
    EXPECT_EQ(ask(routes, method::get, "//a").status, 404);
    EXPECT_EQ(ask(routes, method::get, "/A").status, 404);
}

TEST(router, sees_the_normalised_path_and_no_slash_inside_a_value) {
    router routes;
    routes.map_get("/f/{name}", [](request& asked) { return std::string(asked.route_value("name")); });
    EXPECT_EQ(body_of(routes, "/x/../f/a%20b"), "a b");
    EXPECT_EQ(body_of(routes, "/f/..%2f..%2fetc"), "..%2f..%2fetc");
    EXPECT_EQ(ask(routes, method::get, "/f/../../etc/passwd").status, 404);
}

TEST(router, asks_the_fallback_where_no_pattern_fits) {
    router routes;
    routes.map_get("/a", [] { return "a"; });
    routes.map_fallback([](request& asked) { return response(410, std::string(asked.path())); });
    EXPECT_EQ(ask(routes, method::get, "/gone").status, 410);
    EXPECT_EQ(ask(routes, method::post, "/a").status, 405);
}

TEST(router, refuses_malformed_patterns_and_doubles_by_name) {
    router routes;
    const auto nothing = [] { return "x"; };
    routes.map_get("/a/{x}", nothing);
    const char* bad[] = {"", "a", "/{", "/{}", "/}", "/x{y}", "/{a}/{a}", "/{a:float}", "/{a:}", "/{*}", "/{*a}/b",
        "/{a}{b}", "/{:int}", "/{*a}/{b}"};
    for (const char* pattern : bad) EXPECT_THROW(routes.map_get(pattern, nothing), std::invalid_argument) << pattern;
    try {
        routes.map_get("/a/{y}", nothing);
        FAIL() << "nothing thrown";
    } catch (const std::invalid_argument& error) {
        EXPECT_STREQ(error.what(), "route '/a/{y}' is mapped for GET already");
    }
    routes.map_post("/a/{y}", [](request& asked) { return std::string(asked.route_value("y")); });
    EXPECT_EQ(ask(routes, method::post, "/a/1").body, "1");
}

TEST(router, takes_every_shape_of_handler) {
    router routes;
    routes.map_get("/text", [] { return "t"; });
    routes.map_get("/string", [] { return std::string("s"); });
    routes.map_get("/content", [] { return content::json("{}"); });
    routes.map_get("/response", [] { return response(201); });
    routes.map_get("/task", []() -> weft::task<response> { co_return response(202); });
    routes.map_get("/value", [](request&) -> weft::value_task<response> { co_return response(203); });
    routes.map_get("/token", [](request&, weft::cancellation_token token) -> weft::task<response> {
        co_return response(token.can_be_canceled() ? 500 : 200);
    });
    EXPECT_EQ(body_of(routes, "/text"), "t");
    EXPECT_EQ(body_of(routes, "/string"), "s");
    EXPECT_EQ(body_of(routes, "/content"), "{}");
    EXPECT_EQ(ask(routes, method::get, "/response").status, 201);
    EXPECT_EQ(ask(routes, method::get, "/task").status, 202);
    EXPECT_EQ(ask(routes, method::get, "/value").status, 203);
    EXPECT_EQ(ask(routes, method::get, "/token").status, 200);
}

TEST(route_int, says_which_value_is_no_integer) {
    request asked(method::get, "/");
    EXPECT_THROW(static_cast<void>(asked.route_int("id")), std::invalid_argument);
}

}  // namespace
