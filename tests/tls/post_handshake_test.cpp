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

/// Lets the client take a word and the first record of a ticket behind it, which its next read meets. @returns the ticket's rest
task<std::string> send_half_a_ticket(plain_pair& both) {
    std::string bytes = both.server->encrypted("word");
    const auto [first, rest] = both.server->ticket();
    bytes += first;
    co_await both.server->send(bytes);
    const std::string heard = co_await read_some(both.client);
    EXPECT_EQ(heard, "word");
    co_return rest;
}

/// A read that has met the half ticket and was given up.
task<> give_up_a_read(tls_stream& client) {
    std::vector<char> buffer(16);
    cancellation_source source;
    task<std::size_t> reading = client.read(std::span<char>(buffer), source.token());
    EXPECT_FALSE(reading.is_completed());
    source.cancel();
    bool canceled = false;
    try {
        static_cast<void>(co_await std::move(reading));
    } catch (const operation_canceled&) {
        canceled = true;
    }
    EXPECT_TRUE(canceled);
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

// ---- half a ticket

task<> write_beside_a_reader() {
    plain_pair both = co_await meet();
    const std::string rest = co_await send_half_a_ticket(both);
    task<std::string> reading = read_some(both.client);
    task<> writing = both.client.write(std::string_view("hello"));
    EXPECT_FALSE(writing.is_completed());
    const std::string answer = both.server->encrypted("welcome");
    co_await both.server->send(rest);
    co_await std::move(writing);
    const std::string heard = co_await both.server->read();
    EXPECT_EQ(heard, "hello");
    co_await both.server->send(answer);
    const std::string said = co_await std::move(reading);
    EXPECT_EQ(said, "welcome");
}

TEST_F(tls_messages, a_write_waits_for_the_rest_of_a_ticket) { block_on(write_beside_a_reader()); }

task<> write_without_a_reader() {
    plain_pair both = co_await meet();
    std::string rest = co_await send_half_a_ticket(both);
    co_await give_up_a_read(both.client);
    // Given up itself first: nothing was taken.
    cancellation_source source;
    task<> tried = both.client.write(std::string_view("never"), source.token());
    EXPECT_FALSE(tried.is_completed());
    source.cancel();
    bool canceled = false;
    try {
        co_await std::move(tried);
    } catch (const operation_canceled&) {
        canceled = true;
    }
    EXPECT_TRUE(canceled);

    task<> writing = both.client.write(std::string_view("hello"));
    EXPECT_FALSE(writing.is_completed());
    // A reader that comes while the writer receives; and what stands behind the ticket is the reader's.
    task<std::string> reading = read_some(both.client);
    rest += both.server->encrypted("welcome");
    co_await both.server->send(rest);
    co_await std::move(writing);
    const std::string heard = co_await both.server->read();
    EXPECT_EQ(heard, "hello");
    const std::string said = co_await std::move(reading);
    EXPECT_EQ(said, "welcome");
}

TEST_F(tls_messages, a_writer_without_a_reader_receives_itself) { block_on(write_without_a_reader()); }

task<> read_what_a_writer_received() {
    plain_pair both = co_await meet();
    std::string rest = co_await send_half_a_ticket(both);
    co_await give_up_a_read(both.client);
    rest += both.server->encrypted("welcome");
    co_await both.server->send(rest);
    co_await both.client.write(std::string_view("hello"));
    const std::string heard = co_await both.server->read();
    EXPECT_EQ(heard, "hello");
    const std::string said = co_await read_some(both.client);
    EXPECT_EQ(said, "welcome");
}

TEST_F(tls_messages, what_a_writer_received_is_read_later) { block_on(read_what_a_writer_received()); }

task<> good_bye(bool with_reader) {
    plain_pair both = co_await meet();
    const std::string rest = co_await send_half_a_ticket(both);
    task<std::string> reading;
    if (with_reader) reading = read_some(both.client);
    else co_await give_up_a_read(both.client);
    task<> saying = both.client.shutdown_send();
    EXPECT_FALSE(saying.is_completed());
    const std::string answer = both.server->encrypted("welcome");
    co_await both.server->send(rest);
    co_await std::move(saying);
    co_await both.server->send(answer);
    if (!with_reader) reading = read_some(both.client);
    const std::string said = co_await std::move(reading);
    EXPECT_EQ(said, "welcome");
    co_await both.client.close();
    const std::string heard = co_await both.server->read();
    EXPECT_EQ(heard, "") << "a close_notify";
}

TEST_F(tls_messages, a_good_bye_waits_for_the_rest_of_a_ticket) {
    block_on(good_bye(true));
    block_on(good_bye(false));
}

task<> cut_in_the_middle(bool closed_here) {
    plain_pair both = co_await meet();
    static_cast<void>(co_await send_half_a_ticket(both));
    co_await give_up_a_read(both.client);
    task<> writing = both.client.write(std::string_view("hello"));
    EXPECT_FALSE(writing.is_completed());
    std::vector<char> buffer(16);
    task<std::size_t> reading = both.client.read(std::span<char>(buffer));
    if (closed_here) co_await both.client.close();
    else co_await both.server->close();
    int ended = 0;
    try {
        co_await std::move(writing);
    } catch (const operation_canceled&) {
        ended += closed_here ? 1 : 0;
    } catch (const tls_error& error) {
        ended += !closed_here && error.is_truncation() ? 1 : 0;
    }
    try {
        static_cast<void>(co_await std::move(reading));
    } catch (const operation_canceled&) {
        ended += closed_here ? 1 : 0;
    } catch (const tls_error& error) {
        ended += !closed_here && error.is_truncation() ? 1 : 0;
    }
    EXPECT_EQ(ended, 2);
}

TEST_F(tls_messages, a_write_that_waits_for_the_peer_ends_with_the_connection) {
    block_on(cut_in_the_middle(true));
    block_on(cut_in_the_middle(false));
}

}  // namespace
