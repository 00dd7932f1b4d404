// tests/conformance/endings_test.cpp: how a connection ends, half or whole, politely or not, and what poll says. The same on every
// driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <string>

#include <poll.h>
#include <sys/socket.h>

#include "backends.hpp"
#include "weft/scheduling/yield.hpp"

namespace {
using namespace weft;
using namespace weft_test;
using net::endpoint;
}  // namespace

// ---- the end of a direction

DRIVER_CASE(ending_a_direction_twice_is_ending_it_once) {
    const two_ends both = co_await connected(on);
    EXPECT_EQ(on.driver.shutdown(both.client, SHUT_WR), 0);
    EXPECT_EQ(on.driver.shutdown(both.client, SHUT_WR), 0);
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard, "");
    close_both(on, both);
}

DRIVER_CASE(what_came_before_reading_was_ended_is_read) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.server, "x");
    co_await ready(on, both.client, POLLIN);
    EXPECT_EQ(on.driver.shutdown(both.client, SHUT_RD), 0);
    const std::string heard = co_await receive_all(on, both.client);
    EXPECT_EQ(heard, "x");
    // Writing goes on.
    co_await send_all(on, both.client, "y");
    on.driver.shutdown(both.client, SHUT_WR);
    const std::string back = co_await receive_all(on, both.server);
    EXPECT_EQ(back, "y");
    close_both(on, both);
}

DRIVER_CASE(a_peer_that_has_said_everything_still_listens) {
    const two_ends both = co_await connected(on);
    on.driver.shutdown(both.server, SHUT_WR);
    const std::string nothing = co_await receive_all(on, both.client);
    EXPECT_EQ(nothing, "");
    const int failed = co_await send_all(on, both.client, "still there?");
    EXPECT_EQ(failed, 0);
    on.driver.shutdown(both.client, SHUT_WR);
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard, "still there?");
    close_both(on, both);
}

DRIVER_CASE(the_end_comes_after_all_bytes_and_stays) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.client, "last words");
    EXPECT_EQ(on.driver.shutdown(both.client, SHUT_WR), 0);
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard, "last words");
    char byte = 0;
    for (int i = 0; i < 2; ++i) {
        const int again = co_await receive(on, both.server, &byte, 1);
        EXPECT_EQ(again, 0);
    }
    close_both(on, both);
}

DRIVER_CASE(after_one_direction_has_ended_the_other_goes_on) {
    const two_ends both = co_await connected(on);
    on.driver.shutdown(both.client, SHUT_WR);
    const std::string question = co_await receive_all(on, both.server);
    EXPECT_EQ(question, "");
    co_await send_all(on, both.server, "answer");
    on.driver.close_now(both.server);
    const std::string answer = co_await receive_all(on, both.client);
    EXPECT_EQ(answer, "answer");
    on.driver.close_now(both.client);
}

DRIVER_CASE(both_directions_end_in_either_order) {
    for (const bool client_first : {true, false}) {
        const two_ends both = co_await connected(on);
        const int first = client_first ? both.client : both.server;
        const int second = client_first ? both.server : both.client;
        co_await send_all(on, first, "a");
        on.driver.shutdown(first, SHUT_WR);
        const std::string at_second = co_await receive_all(on, second);
        co_await send_all(on, second, "b");
        on.driver.shutdown(second, SHUT_WR);
        const std::string at_first = co_await receive_all(on, first);
        EXPECT_EQ(at_second, "a");
        EXPECT_EQ(at_first, "b");
        close_both(on, both);
    }
}

DRIVER_CASE(both_directions_may_end_at_once) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.client, "to server");
    co_await send_all(on, both.server, "to client");
    on.driver.shutdown(both.client, SHUT_WR);
    on.driver.shutdown(both.server, SHUT_WR);
    const std::string at_server = co_await receive_all(on, both.server);
    const std::string at_client = co_await receive_all(on, both.client);
    EXPECT_EQ(at_server, "to server");
    EXPECT_EQ(at_client, "to client");
    close_both(on, both);
}

DRIVER_CASE(after_the_own_end_nothing_is_sent) {
    const two_ends both = co_await connected(on);
    on.driver.shutdown(both.client, SHUT_WR);
    const int sent = co_await send(on, both.client, "more");
    EXPECT_EQ(sent, -EPIPE);
    close_both(on, both);
}

DRIVER_CASE(shutting_down_ends_a_read_that_waits) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.client, &byte, 1);
    on.driver.shutdown(both.client, SHUT_RDWR);
    const int result = co_await reading.result();
    EXPECT_EQ(result, 0);
    close_both(on, both);
}

DRIVER_CASE(shutting_down_ends_an_accept_that_waits) {
    endpoint where;
    const int listener = listening(on, where);
    pending accepting(on, io_kind::accept, listener);
    on.driver.shutdown(listener, SHUT_RDWR);
    const int result = co_await accepting.result();
    EXPECT_EQ(result, -EINVAL);
    on.driver.close_now(listener);
}

DRIVER_CASE(closing_tells_the_peer) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.server, &byte, 1);
    on.driver.close_now(both.client);
    const int result = co_await reading.result();
    EXPECT_EQ(result, 0);
    on.driver.close_now(both.server);
}

DRIVER_CASE(what_was_sent_arrives_although_the_sender_is_gone) {
    const two_ends both = co_await connected(on);
    const std::string text(30'000, 'x');
    co_await send_all(on, both.client, text);
    on.driver.close_now(both.client);
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard.size(), text.size());
    on.driver.close_now(both.server);
}

// ---- resets

DRIVER_CASE(writing_to_a_closed_peer_fails_in_the_end) {
    const two_ends both = co_await connected(on);
    on.driver.close_now(both.server);
    int result = 1;
    // Until the peer's answer, what is written goes into the buffer.
    for (int i = 0; i < 10'000 && result > 0; ++i) {
        result = co_await send(on, both.client, "into the void");
        if (result > 0) static_cast<void>(co_await ready(on, both.client, POLLIN));
    }
    EXPECT_TRUE(one_of(result, {-EPIPE, -ECONNRESET}));
    const int again = co_await send(on, both.client, "x");
    EXPECT_EQ(again, -EPIPE);
    on.driver.close_now(both.client);
}

DRIVER_CASE(closing_over_unread_bytes_resets) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.client, "unread");
    co_await ready(on, both.server, POLLIN);
    on.driver.close_now(both.server);
    char byte = 0;
    const int result = co_await receive(on, both.client, &byte, 1);
    EXPECT_EQ(result, -ECONNRESET);
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_reset_is_told_once_then_the_stream_is_over) {
    const two_ends both = co_await connected(on);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    char byte = 0;
    const int first = co_await receive(on, both.client, &byte, 1);
    EXPECT_EQ(first, -ECONNRESET);
    const int second = co_await receive(on, both.client, &byte, 1);
    EXPECT_EQ(second, 0);
    const int sent = co_await send(on, both.client, "x");
    EXPECT_EQ(sent, -EPIPE);
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_reset_is_told_to_a_writer_too) {
    const two_ends both = co_await connected(on);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    co_await ready(on, both.client, POLLIN);
    const int first = co_await send(on, both.client, "x");
    EXPECT_EQ(first, -ECONNRESET);
    const int second = co_await send(on, both.client, "x");
    EXPECT_EQ(second, -EPIPE);
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_reset_ends_a_read_that_waits) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.client, &byte, 1);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    const int result = co_await reading.result();
    EXPECT_EQ(result, -ECONNRESET);
    on.driver.close_now(both.client);
}

DRIVER_CASE(bytes_that_came_before_a_reset_are_read_first) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.server, "before");
    for (std::string heard; heard.size() < 6;) {
        co_await ready(on, both.client, POLLIN);
        break;
    }
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    const std::string heard = co_await receive_all(on, both.client);
    EXPECT_EQ(heard, "before!ECONNRESET");
    on.driver.close_now(both.client);
}

// Linux: whoever has read the other's end reads the end for ever, and cannot write.
DRIVER_CASE(a_reset_after_the_end_is_seen_by_writers_only) {
    const two_ends both = co_await connected(on);
    on.driver.shutdown(both.client, SHUT_WR);
    char byte = 0;
    const int end = co_await receive(on, both.server, &byte, 1);
    EXPECT_EQ(end, 0);
    reset_on_close(on, both.client);
    on.driver.close_now(both.client);
    for (;;) {
        const int events = co_await ready(on, both.server, POLLIN);
        if (events < 0 || (events & POLLHUP) != 0) break;
        co_await yield();
    }
    const int received = co_await receive(on, both.server, &byte, 1);
    EXPECT_EQ(received, 0);
    const int sent = co_await send(on, both.server, "x");
    EXPECT_EQ(sent, -EPIPE);
    on.driver.close_now(both.server);
}

DRIVER_CASE(both_sides_may_reset_at_once) {
    const two_ends both = co_await connected(on);
    reset_on_close(on, both.client);
    reset_on_close(on, both.server);
    close_both(on, both);
}

DRIVER_CASE(a_reset_has_no_peer_any_more) {
    const two_ends both = co_await connected(on);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    co_await ready(on, both.client, POLLIN);
    std::array<char, 128> room{};
    std::uint32_t size = room.size();
    EXPECT_EQ(on.driver.name_of(both.client, true, room.data(), size), -ENOTCONN);
    EXPECT_EQ(on.driver.shutdown(both.client, SHUT_WR), -ENOTCONN);
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_client_that_resets_in_the_line_is_accepted_dead_or_not_at_all) {
    endpoint where;
    const int listener = listening(on, where);
    const int client = on.driver.open_socket(false);
    co_await connect(on, client, where);
    reset_on_close(on, client);
    on.driver.close_now(client);
    const int server = co_await perform(on, io_kind::accept, listener);
    if (server >= 0) {
        char byte = 0;
        const int result = co_await receive(on, server, &byte, 1);
        EXPECT_EQ(result, -ECONNRESET);
        on.driver.close_now(server);
    } else {
        EXPECT_EQ(server, -ECONNABORTED);
    }
    on.driver.close_now(listener);
}

DRIVER_CASE(a_listener_that_closes_resets_those_who_wait) {
    endpoint where;
    const int listener = listening(on, where);
    const int client = on.driver.open_socket(false);
    co_await connect(on, client, where);
    on.driver.close_now(listener);
    char byte = 0;
    const int result = co_await receive(on, client, &byte, 1);
    EXPECT_EQ(result, -ECONNRESET);
    on.driver.close_now(client);
}

// ---- readiness

DRIVER_CASE(a_connection_is_writable_at_once) {
    const two_ends both = co_await connected(on);
    const int events = co_await ready(on, both.client, POLLOUT);
    EXPECT_EQ(events, POLLOUT);
    close_both(on, both);
}

DRIVER_CASE(bytes_make_a_connection_readable) {
    const two_ends both = co_await connected(on);
    pending waiting(on, io_kind::poll, both.client, nullptr, 0, io_operation::no_offset, POLLIN);
    co_await send_all(on, both.server, "x");
    const int events = co_await waiting.result();
    EXPECT_EQ(events & POLLIN, POLLIN);
    char byte = 0;
    const int count = co_await receive(on, both.client, &byte, 1);
    EXPECT_EQ(count, 1);
    close_both(on, both);
}

DRIVER_CASE(of_two_events_the_one_that_is_there_is_told) {
    const two_ends both = co_await connected(on);
    const int events = co_await ready(on, both.client, POLLIN | POLLOUT);
    EXPECT_EQ(events, POLLOUT);
    co_await send_all(on, both.server, "x");
    co_await ready(on, both.client, POLLIN);
    const int both_events = co_await ready(on, both.client, POLLIN | POLLOUT);
    EXPECT_EQ(both_events, POLLIN | POLLOUT);
    close_both(on, both);
}

DRIVER_CASE(the_end_makes_a_connection_readable) {
    const two_ends both = co_await connected(on);
    on.driver.close_now(both.server);
    const int events = co_await ready(on, both.client, POLLIN);
    EXPECT_EQ(events & POLLIN, POLLIN);
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_reset_is_an_event_nobody_asked_for) {
    const two_ends both = co_await connected(on);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    const int events = co_await ready(on, both.client, POLLIN);
    EXPECT_EQ(events & (POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_client_makes_a_listener_readable) {
    endpoint where;
    const int listener = listening(on, where);
    pending waiting(on, io_kind::poll, listener, nullptr, 0, io_operation::no_offset, POLLIN);
    const int client = on.driver.open_socket(false);
    co_await connect(on, client, where);
    const int events = co_await waiting.result();
    EXPECT_EQ(events, POLLIN);
    on.driver.close_now(client);
    on.driver.close_now(listener);
}
