// The server over loopback, against peers that are exact about bytes.
// SPDX-License-Identifier: MIT

#include "weft/http/server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/raw_socket.hpp"
#include "support/eventually.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/task/task_completion_source.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::http;
using weft::cancellation_token;
using weft::task;
using weft::task_completion_source;
using weft_test::eventually;
using weft_test::raw_socket;

constexpr const char* simple_get = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

// A server on a free port of loopback, stopped at the end of the test.
class running_server {
public:
    template <class Handler>
    explicit running_server(Handler handler, const server_options& options = {}) : server_(std::move(handler), options) {
        server_.on_error([this](const std::exception_ptr& error) {
            std::scoped_lock guard(lock_);
            errors_.push_back(weft::message_of(error));
        });
        server_.start(weft::net::endpoint::loopback_v4());
        port_ = server_.local_endpoint().port();
    }
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;
    ~running_server() { server_.stop(5s).get(); }

    server* operator->() { return &server_; }
    [[nodiscard]] raw_socket connect() const { return raw_socket(port_); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::vector<std::string> errors() {
        std::scoped_lock guard(lock_);
        return errors_;
    }

private:
    std::mutex lock_;
    std::vector<std::string> errors_;
    server server_;
    std::uint16_t port_ = 0;
};

router hello_routes() {
    router routes;
    routes.map_get("/hello", [] { return "hello"; });
    routes.map_get("/users/{id:int}", [](request& asked) { return "user " + std::to_string(asked.route_int("id")); });
    routes.map_post(
        "/echo", [](request& asked) { return response(200, content(std::string(asked.content().bytes()), "a/b")); });
    routes.map_get("/fail", []() -> response { throw std::runtime_error("handler broke"); });
    routes.map_get("/fail-later", [](request&) -> task<response> {
        co_await weft::delay(1ms);
        throw std::runtime_error("handler broke later");
    });
    return routes;
}

std::string body_of(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }
std::string status_of(const std::string& message) { return message.substr(0, 12); }

TEST(http_server, answers_and_keeps_the_connection) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    for (int i = 0; i < 3; ++i) {
        peer.send(simple_get);
        const std::string answer = peer.read_message();
        EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
        EXPECT_EQ(body_of(answer), "hello");
        EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
        EXPECT_NE(answer.find("\r\nContent-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
        EXPECT_EQ(answer.find("Connection:"), std::string::npos);
    }
    EXPECT_EQ(server->total_connections(), 1U);
    EXPECT_EQ(server->total_requests(), 3U);
    EXPECT_EQ(server->connection_count(), 1U);
    peer.close();
    EXPECT_TRUE(eventually([&] { return server->connection_count() == 0; }));
    EXPECT_EQ(server->total_requests(), 3U);
}

TEST(http_server, routes_by_pattern_and_answers_404_and_405) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    peer.send("GET /users/42 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(body_of(peer.read_message()), "user 42");
    peer.send("GET /users/x HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(peer.read_message()), "HTTP/1.1 404");
    peer.send("DELETE /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string refused = peer.read_message();
    EXPECT_EQ(status_of(refused), "HTTP/1.1 405");
    EXPECT_NE(refused.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos);
    peer.send(simple_get);
    EXPECT_EQ(body_of(peer.read_message()), "hello");
}

TEST(http_server, answers_head_without_a_body) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    peer.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string head = peer.read_until("\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
    peer.send(simple_get);
    EXPECT_EQ(status_of(peer.read_message()), "HTTP/1.1 200");
}

TEST(http_server, closes_when_asked_and_under_http_1_0) {
    running_server server(hello_routes());
    raw_socket closing = server.connect();
    closing.send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string answer = closing.read_to_end();
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_EQ(body_of(answer), "hello");

    raw_socket old = server.connect();
    old.send("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_EQ(body_of(old.read_to_end()), "hello");

    raw_socket kept = server.connect();
    kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(kept.read_message().find("\r\nConnection: keep-alive\r\n"), std::string::npos);
    kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(body_of(kept.read_message()), "hello");
}

TEST(http_server, a_handler_can_close_the_connection) {
    running_server server([] {
        response last = response::text("bye");
        last.headers().set("Connection", "close");
        return last;
    });
    raw_socket peer = server.connect();
    peer.send(simple_get);
    EXPECT_EQ(body_of(peer.read_to_end()), "bye");
}

TEST(http_server, answers_pipelined_requests_in_order) {
    router routes;
    routes.map_get("/{n:int}", [](request& asked) -> task<response> {
        const std::string n(asked.route_value("n"));
        // Every other one is not done at once, the first of all longest.
        if (asked.route_int("n") % 2 == 0) co_await weft::delay(n == "0" ? 20ms : 1ms);
        co_return response::text(n);
    });
    running_server server(std::move(routes));
    raw_socket peer = server.connect();
    std::string requests;
    for (int i = 0; i < 50; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    peer.send(requests);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(body_of(peer.read_message()), std::to_string(i));
}

TEST(http_server, writes_the_answers_to_pipelined_requests_together) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    std::string requests;
    for (int i = 0; i < 2000; ++i) requests += simple_get;
    peer.send(requests);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(body_of(peer.read_message()), "hello");
}

TEST(http_server, takes_a_request_in_single_bytes) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    for (char byte :
        std::string_view("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
        ASSERT_TRUE(peer.send(std::string_view(&byte, 1)));
    EXPECT_EQ(body_of(peer.read_message()), "abc");
}

TEST(http_server, takes_and_gives_large_bodies) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    std::string body(5'000'000, 'x');
    for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
    std::thread writer([&] { peer.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + body); });
    writer.join();
    EXPECT_EQ(body_of(peer.read_message()), body);
    peer.send(simple_get);
    EXPECT_EQ(body_of(peer.read_message()), "hello");
}

TEST(http_server, says_continue_to_a_client_that_waits_for_it) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    peer.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("ab");
    EXPECT_EQ(body_of(peer.read_message()), "ab");

    raw_socket refused = server.connect();
    refused.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 30000001\r\n\r\n");
    EXPECT_EQ(status_of(refused.read_to_end()), "HTTP/1.1 413");
}

TEST(http_server, gives_malformed_requests_a_status_and_closes) {
    running_server server(hello_routes());
    const std::pair<std::string, const char*> cases[] = {
        {"GET /hello HTTP/1.1\r\n\r\n", "400"},
        {"GET /hello\r\n\r\n", "400"},
        {"GET /hello HTTP/3.0\r\nHost: h\r\n\r\n", "505"},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400"},
        {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", "414"},
        {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(40000, 'a') + "\r\n\r\n", "431"},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n", "413"},
        {"\x16\x03\x01", "400"},
    };
    for (const auto& [bytes, status] : cases) {
        raw_socket peer = server.connect();
        peer.send(bytes);
        const std::string answer = peer.read_to_end();
        EXPECT_EQ(status_of(answer), std::string("HTTP/1.1 ") + status) << bytes.substr(0, 80);
        EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << bytes.substr(0, 80);
    }
    EXPECT_TRUE(eventually([&] { return server->connection_count() == 0; }));
}

TEST(http_server, answers_the_good_requests_before_a_malformed_one) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    peer.send(std::string(simple_get) + "BAD\r\n\r\n" + simple_get);
    EXPECT_EQ(body_of(peer.read_message()), "hello");
    EXPECT_EQ(status_of(peer.read_to_end()), "HTTP/1.1 400");
}

TEST(http_server, answers_500_for_a_handler_that_throws_and_goes_on) {
    running_server server(hello_routes());
    raw_socket peer = server.connect();
    peer.send("GET /fail HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = peer.read_message();
    EXPECT_EQ(status_of(answer), "HTTP/1.1 500");
    EXPECT_EQ(answer.find("broke"), std::string::npos) << "the message is for the log, not for the client";
    peer.send("GET /fail-later HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(peer.read_message()), "HTTP/1.1 500");
    EXPECT_EQ(server.errors(), (std::vector<std::string>{"handler broke", "handler broke later"}));
    peer.send(simple_get);
    EXPECT_EQ(body_of(peer.read_message()), "hello");
}

TEST(http_server, streams_a_body_in_chunks_and_under_1_0_to_the_end_of_the_connection) {
    router routes;
    routes.map_get("/stream", [] {
        return response::stream("text/plain", [](response_stream& out, cancellation_token) -> task<> {
            co_await out.write("one");
            co_await out.write("");
            co_await weft::delay(1ms);
            co_await out.write("three");
        });
    });
    running_server server(std::move(routes));
    raw_socket peer = server.connect();
    for (int i = 0; i < 2; ++i) {
        peer.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_NE(peer.read_until("\r\n\r\n").find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
        EXPECT_EQ(peer.read_until("0\r\n\r\n"), "3\r\none\r\n5\r\nthree\r\n0\r\n\r\n");
    }
    peer.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /stream HTTP/1.0\r\n\r\n");
    EXPECT_NE(peer.read_until("\r\n\r\n").find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
    const std::string old = peer.read_to_end();
    EXPECT_EQ(old.find("Transfer-Encoding"), std::string::npos);
    EXPECT_EQ(body_of(old), "onethree");
}

TEST(http_server, a_stream_that_fails_does_not_look_whole) {
    router routes;
    routes.map_get("/stream", [] {
        return response::stream("text/plain", [](response_stream& out, cancellation_token) -> task<> {
            co_await out.write("part");
            throw std::runtime_error("stream broke");
        });
    });
    running_server server(std::move(routes));
    raw_socket peer = server.connect();
    peer.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = peer.read_to_end();
    EXPECT_TRUE(answer.ends_with("4\r\npart\r\n")) << answer;
    EXPECT_TRUE(eventually([&] { return !server.errors().empty(); }));
    EXPECT_EQ(server.errors().front(), "stream broke");
}

TEST(http_server, cancels_the_handlers_token_when_the_client_goes_away) {
    for (const bool by_reset : {false, true}) {
        task_completion_source<> entered(weft::creation_options::run_continuations_asynchronously);
        std::atomic<bool> canceled{false};
        running_server server([&](request&, cancellation_token token) -> task<response> {
            entered.set_result();
            try {
                co_await weft::delay(60s, token);
            } catch (const weft::operation_canceled&) {
                canceled.store(true);
                throw;
            }
            co_return response();
        });
        raw_socket peer = server.connect();
        peer.send(simple_get);
        entered.task().get();
        if (by_reset) peer.reset();
        else peer.close();
        EXPECT_TRUE(eventually([&] { return canceled.load(); }));
        EXPECT_TRUE(eventually([&] { return server->connection_count() == 0; }));
        EXPECT_TRUE(server.errors().empty());
    }
}

TEST(http_server, a_client_that_only_stops_sending_still_gets_its_answer) {
    task_completion_source<> entered(weft::creation_options::run_continuations_asynchronously);
    task_completion_source<> leave(weft::creation_options::run_continuations_asynchronously);
    running_server server([&](request&, cancellation_token token) -> task<response> {
        entered.set_result();
        co_await leave.task();
        co_return response::text(token.is_cancellation_requested() ? "half closed" : "open");
    });
    raw_socket peer = server.connect();
    peer.send(simple_get);
    peer.shutdown_send();
    entered.task().get();
    leave.set_result();
    const std::string answer = peer.read_to_end();
    EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
}

TEST(http_server, bytes_that_come_while_a_handler_waits_are_the_next_request) {
    std::atomic<int> count{0};
    task_completion_source<> entered(weft::creation_options::run_continuations_asynchronously);
    task_completion_source<> leave(weft::creation_options::run_continuations_asynchronously);
    running_server server([&](request& asked) -> task<response> {
        if (count.fetch_add(1) == 0) {
            entered.set_result();
            co_await leave.task();
        }
        co_return response::text(std::string(asked.path()));
    });
    raw_socket peer = server.connect();
    peer.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    entered.task().get();
    peer.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\n");
    leave.set_result();
    EXPECT_EQ(body_of(peer.read_message()), "/1");
    EXPECT_EQ(body_of(peer.read_message()), "/2");
    peer.send("Host: h\r\n\r\n");
    EXPECT_EQ(body_of(peer.read_message()), "/3");
}

TEST(http_server, clients_that_vanish_in_the_middle_leave_nothing_behind) {
    running_server server(hello_routes());
    for (const char* part :
        {"", "G", "GET /hello HTTP/1.1\r\nHo", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab",
            "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", simple_get}) {
        raw_socket closed = server.connect();
        closed.send(part);
        closed.close();
        raw_socket reset = server.connect();
        reset.send(part);
        reset.reset();
    }
    EXPECT_TRUE(eventually([&] { return server->total_connections() == 12 && server->connection_count() == 0; }));
    EXPECT_TRUE(server.errors().empty());
}

TEST(http_server, refuses_connections_over_the_limit_with_503) {
    server_options options;
    options.max_connections = 2;
    running_server server(hello_routes(), options);
    raw_socket first = server.connect();
    raw_socket second = server.connect();
    first.send(simple_get);
    second.send(simple_get);
    first.read_message();
    second.read_message();
    raw_socket third = server.connect();
    const std::string refusal = third.read_to_end();
    EXPECT_EQ(status_of(refusal), "HTTP/1.1 503");
    first.close();
    EXPECT_TRUE(eventually([&] { return server->connection_count() == 1; }));
    raw_socket fourth = server.connect();
    fourth.send(simple_get);
    EXPECT_EQ(body_of(fourth.read_message()), "hello");
}

TEST(http_server, gives_a_slow_head_408_and_closes_an_idle_connection) {
    server_options options;
    options.request_headers_timeout = 1s;
    options.keep_alive_timeout = 1s;
    running_server server(hello_routes(), options);
    raw_socket idle = server.connect();
    raw_socket slow = server.connect();
    slow.send("GET /hello HTT");
    EXPECT_EQ(status_of(slow.read_to_end()), "HTTP/1.1 408");
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_TRUE(eventually([&] { return server->connection_count() == 0; }));
}

TEST(http_server, a_handler_may_take_longer_than_the_times_for_clients) {
    server_options options;
    options.request_headers_timeout = 0s;
    options.keep_alive_timeout = 0s;
    running_server server(
        [](request&) -> task<response> {
            co_await weft::delay(2500ms);
            co_return response::text("late");
        },
        options);
    raw_socket peer = server.connect();
    peer.send(simple_get);
    EXPECT_EQ(body_of(peer.read_message()), "late");
}

TEST(http_server, stop_closes_idle_connections_and_finishes_requests) {
    task_completion_source<> entered(weft::creation_options::run_continuations_asynchronously);
    task_completion_source<> leave(weft::creation_options::run_continuations_asynchronously);
    auto handler = [&](request& asked) -> task<response> {
        if (asked.path() == "/slow") {
            entered.set_result();
            co_await leave.task();
        }
        co_return response::text("done");
    };
    running_server server(handler);
    raw_socket idle = server.connect();
    idle.send(simple_get);
    idle.read_message();
    raw_socket busy = server.connect();
    busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    entered.task().get();

    task<stop_report> stopping = server->stop(20s);
    EXPECT_TRUE(idle.is_at_end());
    EXPECT_THROW(raw_socket(server.port()), std::runtime_error);
    EXPECT_FALSE(stopping.is_completed());
    leave.set_result();
    const std::string answer = busy.read_to_end();
    EXPECT_EQ(body_of(answer), "done");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    busy.close();
    EXPECT_EQ(stopping.get().aborted, 0U);
    EXPECT_EQ(server->connection_count(), 0U);
}

TEST(http_server, stop_aborts_what_is_left_at_the_deadline) {
    task_completion_source<> entered(weft::creation_options::run_continuations_asynchronously);
    running_server server([&](request&, cancellation_token token) -> task<response> {
        entered.set_result();
        co_await weft::delay(60s, token);
        co_return response();
    });
    raw_socket peer = server.connect();
    peer.send(simple_get);
    entered.task().get();
    EXPECT_EQ(server->stop(10ms).get().aborted, 1U);
    EXPECT_EQ(server->connection_count(), 0U);
    EXPECT_EQ(peer.read_to_end(), "");
}

TEST(http_server, the_destructor_aborts_without_waiting) {
    task_completion_source<> entered(weft::creation_options::run_continuations_asynchronously);
    std::atomic<bool> canceled{false};
    std::optional<raw_socket> peer;
    {
        server owner([&](request&, cancellation_token token) -> task<response> {
            entered.set_result();
            try {
                co_await weft::delay(60s, token);
            } catch (const weft::operation_canceled&) {
                canceled.store(true);
            }
            co_return response();
        });
        owner.start(weft::net::endpoint::loopback_v4());
        peer.emplace(owner.local_endpoint().port());
        peer->send(simple_get);
        entered.task().get();
    }
    EXPECT_EQ(peer->read_to_end(), "");
    EXPECT_TRUE(eventually([&] { return canceled.load(); }));
}

TEST(http_server, a_port_in_use_is_named) {
    running_server first(hello_routes());
    server second(hello_routes());
    try {
        second.start(weft::net::endpoint::loopback_v4(first.port()));
        FAIL() << "nothing thrown";
    } catch (const weft::io_error& error) {
        EXPECT_NE(std::string(error.what()).find("listen on '127.0.0.1:" + std::to_string(first.port()) + "' failed"),
            std::string::npos)
            << error.what();
        EXPECT_EQ(error.code(), std::errc::address_in_use);
    }
    second.start(weft::net::endpoint::loopback_v4());
    EXPECT_THROW(second.start(weft::net::endpoint::loopback_v4()), weft::invalid_operation);
}

TEST(http_server, serves_many_connections_at_once) {
    running_server server(hello_routes());
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            std::vector<raw_socket> peers;
            for (int i = 0; i < 25; ++i) peers.push_back(server.connect());
            for (int round = 0; round < 4; ++round) {
                for (raw_socket& peer : peers) peer.send(simple_get);
                for (raw_socket& peer : peers)
                    if (body_of(peer.read_message()) == "hello") good.fetch_add(1);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good.load(), 400);
}

}  // namespace
