// tests/tls/post_handshake_test.cpp: what the peer's alerts and half arrived messages do to a stream that is open.
// SPDX-License-Identifier: MIT

#include <memory>

#include "plain_server.hpp"
#include "weft/run.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::tls_context;
using net::tls_error;
using net::tls_stream;

using tls_messages = io_test;

struct plain_pair {
    tls_stream client;
    std::unique_ptr<plain_server> server;
};

task<plain_pair> meet() {
    connection raw = co_await connect_pair();
    plain_pair both;
    both.server = std::make_unique<plain_server>(std::move(raw.server));
    tls_context context = client_settings().build();
    task<> shaking = both.server->shake();
    task<tls_stream> connecting = tls_stream::connect(std::move(raw.client), context, "server.test");
    both.client = co_await std::move(connecting);
    co_await std::move(shaking);
    co_return both;
}

task<int> as_number(task<> which) {
    co_await std::move(which);
    co_return 0;
}

// ---- alerts

task<> alerted() {
    plain_pair both = co_await meet();
    const std::string alert = both.server->fatal_alert();
    co_await both.server->send(alert);
    std::error_code first;
    for (int i = 0; i < 3; ++i) {
        task<std::optional<tls_error>> failing = tls_failure(read_some(both.client));
        const std::optional<tls_error> error = co_await std::move(failing);
        EXPECT_TRUE(error && !error->is_truncation());
        if (!error) co_return;
        if (i == 0) first = error->code();
        EXPECT_EQ(error->code(), first) << "each time";
    }
    task<> writing = both.client.write(std::string_view("too late"));
    task<std::optional<tls_error>> failing = tls_failure(as_number(std::move(writing)));
    const std::optional<tls_error> error = co_await std::move(failing);
    EXPECT_TRUE(error && error->code() == first);
    const bool good_bye = co_await both.client.shutdown();
    EXPECT_FALSE(good_bye);
}

TEST_F(tls_messages, a_fatal_alert_stays_an_error) { block_on(alerted()); }

}  // namespace
