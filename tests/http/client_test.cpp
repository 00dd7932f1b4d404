// The client over loopback, against scripted servers and against our own.
// SPDX-License-Identifier: MIT

#include "weft/http/client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "http/raw_socket.hpp"
#include "support/eventually.hpp"
#include "weft/base/error.hpp"
#include "weft/http/server.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/task/when_all.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::http;
using weft::cancellation_source;
using weft::cancellation_token;
using weft::task;
using weft::task_completion_source;
using weft_test::eventually;
using weft_test::raw_server;
using weft_test::raw_socket;

// Answers every request of a connection with `body`.
raw_server::script answers(std::string body) {
    return [body = std::move(body)](raw_socket& peer, int) {
        while (peer.read_until("\r\n\r\n").ends_with("\r\n\r\n"))
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    };
}

TEST(http_client, gets_a_string) {
    raw_server server(answers("hello"));
    client http;
    EXPECT_EQ(http.get_string(server.url("/x")).get(), "hello");
}

TEST(http_client, sends_what_it_was_given) {
    std::promise<std::string> received;
    raw_server server([&](raw_socket& peer, int) {
        received.set_value(peer.read_message());
        peer.send("HTTP/1.1 201 Made\r\nX-A: b\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nok");
    });
    client http;
    http.base_address(server.url("/base/"));
    http.default_request_headers().add("User-Agent", "test");
    http.default_request_headers().add("X-Own", "default");
    request what(method::post, "item?q=1", content("body", "text/y"));
    what.headers().add("X-Own", "mine");
    response answer = http.send(std::move(what)).get();
    EXPECT_EQ(received.get_future().get(),
        "POST /base/item?q=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
            "\r\nX-Own: mine\r\nUser-Agent: test\r\nContent-Type: text/y\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(answer.status(), 201);
    EXPECT_EQ(answer.reason(), "Made");
    EXPECT_EQ(answer.headers().get("x-a"), "b");
    EXPECT_EQ(answer.content().media_type(), "text/x");
    EXPECT_EQ(answer.content().read_as_string().get(), "ok");
    EXPECT_NO_THROW(answer.ensure_success_status_code());
}

// 1.26/1
TEST(http_client, S_1_26_1_sequential_requests_share_one_connection) {
    raw_server server(answers("x"));
    client http;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(http.get_string(server.url()).get(), "x");
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(http.connection_count(), 1U);
}

TEST(http_client, S_1_26_1_close_garbage_or_end_after_a_response_means_a_new_connection) {
    const char* endings[] = {"Connection: close\r\nContent-Length: 1\r\n\r\nx", "Content-Length: 1\r\n\r\nxGARBAGE",
        "Content-Length: 1\r\n\r\nx"};
    for (const char* ending : endings) {
        raw_server server([&](raw_socket& peer, int) {
            peer.read_until("\r\n\r\n");
            peer.send(std::string("HTTP/1.1 200 OK\r\n") + ending);
            // The connection ends here.
        });
        client http;
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(http.post(server.url(), "").get().content().bytes(), "x");
            EXPECT_TRUE(eventually([&] { return http.connection_count() == 0; })) << ending;
        }
        EXPECT_EQ(server.connections(), 3) << ending;
    }
}

TEST(http_client, reads_chunked_sized_and_close_delimited_bodies_in_pieces) {
    const std::pair<std::string, std::string> cases[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: v\r\n\r\n", "abcde"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", "abcde"},
        {"HTTP/1.1 200 OK\r\n\r\nabcde", "abcde"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "a"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
    };
    for (const auto& [bytes, body] : cases) {
        raw_server server([&](raw_socket& peer, int) {
            peer.read_until("\r\n\r\n");
            for (std::size_t i = 0; i < bytes.size(); ++i) peer.send(bytes.substr(i, 1));
        });
        client http;
        EXPECT_EQ(http.get_string(server.url()).get(), body);
    }
}

TEST(http_client, ignores_the_length_of_a_response_to_head_and_of_304) {
    raw_server server([](raw_socket& peer, int) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n");
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 204 No Content\r\n\r\n");
        peer.read_until("\r\n\r\n");
    });
    client http;
    EXPECT_EQ(http.send(request(method::head, server.url())).get().headers().get("Content-Length"), "500");
    EXPECT_EQ(http.get(server.url()).get().status(), 304);
    EXPECT_EQ(http.delete_(server.url()).get().status(), 204);
    EXPECT_EQ(server.connections(), 1);
}

TEST(http_client, sends_chunked_bodies) {
    router routes;
    routes.map_post("/echo", [](request& asked) {
        EXPECT_TRUE(asked.headers().contains(header_id::transfer_encoding));
        return content::octets(std::string(asked.content().bytes()));
    });
    server owner(std::move(routes));
    owner.start(weft::net::endpoint::loopback_v4());
    client http;
    http.base_address("http://" + owner.local_endpoint().to_string());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3'000'000}}) {
        request what(method::post, "/echo", content::octets(std::string(size, 'z')));
        what.send_chunked(true);
        EXPECT_EQ(http.send(std::move(what)).get().content().bytes(), std::string(size, 'z'));
    }
    owner.stop().get();
}

TEST(http_client, a_bad_status_is_an_exception_only_when_asked) {
    raw_server server([](raw_socket& peer, int) {
        while (peer.read_until("\r\n\r\n").ends_with("\r\n\r\n"))
            peer.send("HTTP/1.1 404 Nowhere\r\nContent-Length: 1\r\n\r\nx");
    });
    client http;
    EXPECT_EQ(http.get(server.url()).get().status(), 404);
    const task<std::string> asked = http.get_string(server.url());  // keeps its exception while that is read
    try {
        asked.get();
        FAIL() << "nothing thrown";
    } catch (const request_exception& error) {
        EXPECT_EQ(error.status(), 404);
        EXPECT_STREQ(error.what(), "response status code does not indicate success: 404 (Nowhere)");
    }
    EXPECT_EQ(server.connections(), 1) << "the connection stays usable";
}

TEST(http_client, failures_name_the_request_and_the_cause) {
    std::uint16_t free_port = 0;
    {
        raw_server gone(answers(""));
        free_port = gone.port();
    }
    client http;
    const std::string target = "http://127.0.0.1:" + std::to_string(free_port) + "/x";
    const task<response> asked = http.get(target);  // keeps its exception while that is read
    try {
        asked.get();
        FAIL() << "nothing thrown";
    } catch (const request_exception& error) {
        EXPECT_EQ(error.status(), std::nullopt);
        EXPECT_TRUE(std::string(error.what()).starts_with("GET '" + target + "' failed: connect to '127.0.0.1:"))
            << error.what();
        EXPECT_THROW(std::rethrow_if_nested(error), weft::io_error);
    }
    EXPECT_EQ(http.connection_count(), 0U);

    raw_server silent([](raw_socket& peer, int) { peer.read_until("\r\n\r\n"); });
    EXPECT_THROW(http.get(silent.url()).get(), request_exception);
    raw_server garbage([](raw_socket& peer, int) {
        peer.read_until("\r\n\r\n");
        peer.send("SSH-2.0-x\r\n\r\n");
    });
    EXPECT_THROW(http.get(garbage.url()).get(), request_exception);
    raw_server cut([](raw_socket& peer, int) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    });
    EXPECT_THROW(http.get(cut.url()).get(), request_exception);

    EXPECT_THROW(http.get("/relative").get(), std::invalid_argument);
    EXPECT_THROW(http.get("http://h:0/").get(), std::invalid_argument);
    const task<response> secure = http.get("https://localhost/x");
    try {
        secure.get();
        FAIL() << "nothing thrown";
    } catch (const request_exception& error) {
        EXPECT_NE(std::string(error.what()).find("https is not supported"), std::string::npos);
    }
}

// 1.26/2
TEST(http_client, S_1_26_2_excess_requests_wait_in_line_and_waiting_is_cancelable) {
    task_completion_source<> leave(weft::creation_options::run_continuations_asynchronously);
    std::atomic<int> entered{0};
    std::mutex lock;
    std::vector<std::string> order;
    server owner([&](request& asked) -> task<response> {
        {
            std::scoped_lock guard(lock);
            order.emplace_back(asked.path());
        }
        if (entered.fetch_add(1) == 0) co_await leave.task();
        co_return response::text("ok");
    });
    owner.start(weft::net::endpoint::loopback_v4());
    client_options options;
    options.max_connections_per_server = 1;
    client http(options);
    http.base_address("http://" + owner.local_endpoint().to_string());

    task<std::string> first = http.get_string("/0");
    EXPECT_TRUE(eventually([&] { return entered.load() == 1; }));
    task<std::string> second = http.get_string("/1");
    cancellation_source stop;
    task<std::string> third = http.get_string("/2", stop.token());
    task<std::string> fourth = http.get_string("/3");
    stop.cancel();
    EXPECT_THROW(third.get(), weft::operation_canceled);
    EXPECT_FALSE(second.is_completed());
    leave.set_result();
    EXPECT_EQ(first.get(), "ok");
    EXPECT_EQ(second.get(), "ok");
    EXPECT_EQ(fourth.get(), "ok");
    std::scoped_lock guard(lock);
    EXPECT_EQ(order, (std::vector<std::string>{"/0", "/1", "/3"}));
    EXPECT_EQ(owner.total_connections(), 1U);
    EXPECT_THROW(client([] {
        client_options none;
        none.max_connections_per_server = 0;
        return none;
    }()),
        std::invalid_argument);
    owner.stop().get();
}

// 1.26/4
TEST(http_client, S_1_26_4_a_timeout_is_a_cancellation_with_a_timeout_inside) {
    raw_server silent([](raw_socket& peer, int) { peer.read_to_end(); });
    client_options options;
    options.timeout = 50ms;
    client http(options);
    const task<response> asked = http.get(silent.url("/slow"));  // keeps its exception while that is read
    bool nested = false;
    try {
        asked.get();
        FAIL() << "nothing thrown";
    } catch (const weft::task_canceled& error) {
        EXPECT_EQ(
            std::string(error.what()), "GET '" + silent.url("/slow") + "' was canceled: the timeout of 50 ms elapsed");
        try {
            std::rethrow_if_nested(error);
        } catch (const weft::timeout_exception&) {
            nested = true;
        }
    }
    EXPECT_TRUE(nested);
    EXPECT_TRUE(eventually([&] { return http.connection_count() == 0; }));
}

TEST(http_client, S_1_26_4_a_user_cancellation_has_the_users_token_and_nothing_inside) {
    std::atomic<bool> received{false};
    raw_server silent([&](raw_socket& peer, int) {
        peer.read_until("\r\n\r\n");
        received.store(true);
        peer.read_to_end();
    });
    client http;
    cancellation_source stop;
    task<response> asked = http.get(silent.url(), stop.token());
    EXPECT_TRUE(eventually([&] { return received.load(); }));
    stop.cancel();
    try {
        asked.get();
        FAIL() << "nothing thrown";
    } catch (const weft::task_canceled& error) {
        EXPECT_EQ(error.token(), stop.token());
        EXPECT_NO_THROW(std::rethrow_if_nested(error));
    }
    EXPECT_TRUE(asked.is_canceled());
    EXPECT_THROW(http.get(silent.url(), stop.token()).get(), weft::operation_canceled) << "cancelled from the start";
    EXPECT_EQ(silent.connections(), 1);
}

// 1.26/5
TEST(http_client, S_1_26_5_cancelling_kills_the_connection_in_every_phase) {
    const char* sent[] = {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"};
    for (const char* part : sent) {
        std::atomic<bool> ready{false};
        std::atomic<bool> closed{false};
        raw_server server([&](raw_socket& peer, int) {
            peer.read_until("\r\n\r\n");
            peer.send(part);
            ready.store(true);
            closed.store(peer.is_at_end());
        });
        client http;
        cancellation_source stop;
        task<response> asked = http.get(server.url(), stop.token());
        EXPECT_TRUE(eventually([&] { return ready.load(); }));
        stop.cancel();
        EXPECT_THROW(asked.get(), weft::operation_canceled);
        EXPECT_TRUE(eventually([&] { return closed.load(); })) << part;
        EXPECT_EQ(http.connection_count(), 0U);
    }
}

// 1.26/7
TEST(http_client, S_1_26_7_a_request_swallowed_by_a_closed_connection_is_sent_again_if_idempotent) {
    // The first connection answers once, takes the next request and closes without a byte.
    const auto script = [](raw_socket& peer, int number) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(number));
        peer.read_until("\r\n\r\n");
        if (number == 0) return;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(number));
        peer.read_to_end();
    };
    {
        raw_server server(script);
        client http;
        EXPECT_EQ(http.get_string(server.url()).get(), "0");
        EXPECT_EQ(http.get_string(server.url()).get(), "1");
        EXPECT_EQ(server.connections(), 2);
    }
    {
        raw_server server(script);
        client http;
        EXPECT_EQ(http.get_string(server.url()).get(), "0");
        EXPECT_THROW(http.post(server.url(), "").get(), request_exception);
        EXPECT_EQ(server.connections(), 1);
    }
}

TEST(http_client, S_1_26_7_a_request_is_not_sent_again_once_a_byte_of_the_response_came_or_on_a_new_connection) {
    raw_server server([](raw_socket& peer, int) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        peer.read_until("\r\n\r\n");
        peer.send("H");
    });
    client http;
    EXPECT_EQ(http.get_string(server.url()).get(), "x");
    EXPECT_THROW(http.get(server.url()).get(), request_exception);
    EXPECT_EQ(server.connections(), 1);

    raw_server closing([](raw_socket& peer, int) { peer.read_until("\r\n\r\n"); });
    EXPECT_THROW(http.get(closing.url()).get(), request_exception);
    EXPECT_EQ(closing.connections(), 1);
}

// 1.26/8
TEST(http_client, S_1_26_8_an_expired_connection_is_not_used_again) {
    raw_server server(answers("x"));
    client_options options;
    options.pooled_connection_idle_timeout = 0ms;
    client http(options);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(http.get_string(server.url()).get(), "x");
    EXPECT_EQ(server.connections(), 3);
}

TEST(http_client, a_running_request_outlives_its_client) {
    task_completion_source<> leave(weft::creation_options::run_continuations_asynchronously);
    server owner([&](request&) -> task<response> {
        co_await leave.task();
        co_return response::text("late");
    });
    owner.start(weft::net::endpoint::loopback_v4());
    task<std::string> asked;
    {
        client http;
        asked = http.get_string("http://" + owner.local_endpoint().to_string());
    }
    leave.set_result();
    EXPECT_EQ(asked.get(), "late");
    EXPECT_TRUE(eventually([&] { return owner.connection_count() == 0; })) << "its connection closed with it";
    owner.stop().get();
}

task<int> many_requests(client& http, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) {
        std::string target = "/" + std::to_string(i);
        const std::string body = co_await http.get_string(target);
        if (body == target) ++good;
    }
    co_return good;
}

TEST(http_client, a_hundred_clients_at_once) {
    server owner([](request& asked) -> task<response> {
        co_await weft::delay(1ms);
        co_return response::text(std::string(asked.path()));
    });
    owner.start(weft::net::endpoint::loopback_v4());
    client http;
    http.base_address("http://" + owner.local_endpoint().to_string());
    std::vector<task<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(many_requests(http, 20));
    int good = 0;
    for (task<int>& one : all) good += one.get();
    EXPECT_EQ(good, 2000);
    EXPECT_LE(owner.total_connections(), 100U);
    owner.stop().get();
    EXPECT_TRUE(eventually([&] { return http.connection_count() == 0; })) << "connections the server closed leave the pool";
}

// One that comes back between a request's look into the pool and its place in the line must not be left lying there.
TEST(http_client, a_single_connection_goes_from_request_to_request) {
    server owner([](request& asked) -> task<response> { co_return response::text(std::string(asked.path())); });
    owner.start(weft::net::endpoint::loopback_v4());
    client_options options;
    options.max_connections_per_server = 1;
    client http(options);
    http.base_address("http://" + owner.local_endpoint().to_string());
    std::vector<task<int>> all;
    for (int i = 0; i < 3; ++i) all.push_back(many_requests(http, 500));
    for (task<int>& one : all) EXPECT_EQ(one.get(), 500);
    EXPECT_EQ(owner.total_connections(), 1U);
    owner.stop().get();
}

TEST(http_client, every_request_ends_while_a_server_stops_under_load) {
    server owner([](request&) -> task<response> {
        co_await weft::delay(1ms);
        co_return response::text("ok");
    });
    owner.start(weft::net::endpoint::loopback_v4());
    client http;
    http.base_address("http://" + owner.local_endpoint().to_string());
    std::vector<task<std::string>> all;
    for (int i = 0; i < 200; ++i) all.push_back(http.get_string("/"));
    const stop_report report = owner.stop(10s).get();
    EXPECT_EQ(report.aborted, 0U);
    int answered = 0;
    for (task<std::string>& one : all) {
        try {
            if (one.get() == "ok") ++answered;
        } catch (const request_exception&) {
            // Not accepted any more.
        }
    }
    EXPECT_EQ(static_cast<std::uint64_t>(answered), owner.total_requests()) << "what the server answered has arrived";
}

}  // namespace
