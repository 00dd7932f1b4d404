// tests/conformance/transfer_test.cpp: bytes through a connection, and taking back what was asked. The same on every driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "backends.hpp"
#include "io/net/socket_state.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/scheduling/yield.hpp"

namespace {
using namespace weft;
using namespace weft_test;
using net::endpoint;

std::string pattern(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 31 % 23);
    return text;
}

task<> send_and_end(stage& on, int fd, std::string_view text) {
    const int failed = co_await send_all(on, fd, text);
    EXPECT_EQ(failed, 0);
    on.driver.shutdown(fd, SHUT_WR);
}
}  // namespace

DRIVER_CASE(bytes_arrive_as_they_were_sent) {
    const two_ends both = co_await connected(on);
    co_await send_and_end(on, both.client, "hello");
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard, "hello");
    close_both(on, both);
}

DRIVER_CASE(a_read_waits_for_the_first_byte) {
    const two_ends both = co_await connected(on);
    std::array<char, 16> buffer{};
    pending reading(on, io_kind::recv, both.server, buffer.data(), buffer.size());
    co_await yield();
    EXPECT_FALSE(reading.is_done());
    co_await send_all(on, both.client, "x");
    const int count = co_await reading.result();
    EXPECT_EQ(count, 1);
    EXPECT_EQ(buffer[0], 'x');
    close_both(on, both);
}

DRIVER_CASE(a_read_takes_no_more_than_it_asked_for) {
    const two_ends both = co_await connected(on);
    co_await send_and_end(on, both.client, "abcdef");
    std::string heard;
    std::array<char, 3> buffer{};
    for (;;) {
        const int count = co_await receive(on, both.server, buffer.data(), 2);
        if (count == 0) break;
        EXPECT_TRUE(one_of(count, {1, 2}));
        EXPECT_EQ(buffer[2], '\0');
        if (count < 0) break;
        heard.append(buffer.data(), static_cast<std::size_t>(count));
    }
    EXPECT_EQ(heard, "abcdef");
    close_both(on, both);
}

DRIVER_CASE(read_and_write_do_for_sockets_too) {
    const two_ends both = co_await connected(on);
    const int written = co_await perform(on, io_kind::write, both.client, "x", 1);
    EXPECT_EQ(written, 1);
    char byte = 0;
    const int count = co_await perform(on, io_kind::read, both.server, &byte, 1);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(byte, 'x');
    close_both(on, both);
}

DRIVER_CASE(sending_nothing_is_done_at_once) {
    const two_ends both = co_await connected(on);
    const int count = co_await send(on, both.client, "");
    EXPECT_EQ(count, 0);
    close_both(on, both);
}

DRIVER_CASE(many_bytes_keep_their_order) {
    const two_ends both = co_await connected(on);
    const std::string text = pattern(600'000);
    task<> sending = send_and_end(on, both.client, text);
    const std::string heard = co_await receive_all(on, both.server);
    co_await std::move(sending);
    EXPECT_TRUE(heard == text) << heard.size();
    close_both(on, both);
}

DRIVER_CASE(both_directions_flow_at_once) {
    const two_ends both = co_await connected(on);
    const std::string up = pattern(300'000), down = pattern(200'000);
    task<> sending_up = send_and_end(on, both.client, up);
    task<> sending_down = send_and_end(on, both.server, down);
    task<std::string> at_server = receive_all(on, both.server);
    const std::string at_client = co_await receive_all(on, both.client);
    const std::string got = co_await std::move(at_server);
    co_await std::move(sending_up);
    co_await std::move(sending_down);
    EXPECT_TRUE(got == up);
    EXPECT_TRUE(at_client == down);
    close_both(on, both);
}

DRIVER_CASE(a_question_and_an_answer_fifty_times) {
    const two_ends both = co_await connected(on);
    for (int round = 0; round < 50; ++round) {
        const char question = static_cast<char>('a' + round % 26);
        char heard = 0;
        co_await send_all(on, both.client, std::string_view(&question, 1));
        const int there = co_await receive(on, both.server, &heard, 1);
        co_await send_all(on, both.server, std::string_view(&heard, 1));
        char answer = 0;
        const int back = co_await receive(on, both.client, &answer, 1);
        EXPECT_TRUE(there == 1 && back == 1 && answer == question);
    }
    close_both(on, both);
}

DRIVER_CASE(a_thousand_small_writes_make_one_stream) {
    const two_ends both = co_await connected(on);
    const std::string text = pattern(1000);
    task<std::string> reading = receive_all(on, both.server);
    for (const char& byte : text) {
        const int failed = co_await send_all(on, both.client, std::string_view(&byte, 1));
        EXPECT_EQ(failed, 0);
    }
    on.driver.shutdown(both.client, SHUT_WR);
    const std::string heard = co_await std::move(reading);
    EXPECT_EQ(heard, text);
    close_both(on, both);
}

DRIVER_CASE(thirty_connections_do_not_mix) {
    std::vector<two_ends> pairs;
    std::vector<task<std::string>> readers;
    for (int i = 0; i < 30; ++i) {
        const two_ends both = co_await connected(on);
        pairs.push_back(both);
        readers.push_back(receive_all(on, both.server));
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const std::string text = std::to_string(i);
        co_await send_all(on, pairs[i].client, text);
        on.driver.shutdown(pairs[i].client, SHUT_WR);
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const std::string heard = co_await std::move(readers[i]);
        EXPECT_EQ(heard, std::to_string(i));
        close_both(on, pairs[i]);
    }
}

DRIVER_CASE(a_record_may_be_used_again) {
    struct reused : io_operation {
        explicit reused(complete_function on_complete) : io_operation(io_kind::recv, on_complete) {}
        task_completion_source<int>* answer = nullptr;
    };
    const two_ends both = co_await connected(on);
    char byte = 0;
    reused reading([](io_operation& operation) noexcept {
        auto& self = static_cast<reused&>(operation);
        self.answer->set_result(self.result);
    });
    reading.fd = both.server;
    reading.buffer = &byte;
    reading.length = 1;
    for (const char letter : {'a', 'b', 'c'}) {
        task_completion_source<int> answer(creation_options::run_continuations_asynchronously);
        reading.answer = &answer;
        co_await send_all(on, both.client, std::string_view(&letter, 1));
        if (!on.driver.submit(reading)) answer.set_result(reading.result);
        const int count = co_await answer.task();
        EXPECT_EQ(count, 1);
        EXPECT_EQ(byte, letter);
        reading.rearm();
    }
    close_both(on, both);
}

DRIVER_CASE(a_writer_nobody_reads_from_has_to_wait) {
    const two_ends both = co_await connected(on);
    // More than any socket's buffers hold, here or in a kernel.
    const std::string text(32 << 20, 'x');
    task<> sending = send_and_end(on, both.client, text);
    co_await ready(on, both.server, POLLIN);
    EXPECT_FALSE(sending.is_completed());
    const std::string heard = co_await receive_all(on, both.server);
    co_await std::move(sending);
    EXPECT_EQ(heard.size(), text.size());
    close_both(on, both);
}

DRIVER_CASE(a_reset_ends_a_write_that_waits) {
    const two_ends both = co_await connected(on);
    const std::string text(32 << 20, 'x');
    task<int> sending = send_all(on, both.client, text);
    co_await ready(on, both.server, POLLIN);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    const int result = co_await std::move(sending);
    EXPECT_TRUE(one_of(result, {-ECONNRESET, -EPIPE}));
    on.driver.close_now(both.client);
}

DRIVER_CASE(what_can_be_done_at_once_need_not_be_submitted) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.client, "x");
    co_await ready(on, both.server, POLLIN);
    char byte = 0;
    io_operation reading(io_kind::recv, [](io_operation&) noexcept { ADD_FAILURE() << "completed"; });
    reading.fd = both.server;
    reading.buffer = &byte;
    reading.length = 1;
    // A driver may decline; then nothing has happened.
    if (on.driver.try_now(reading)) {
        EXPECT_EQ(reading.result, 1);
    } else {
        const int count = co_await receive(on, both.server, &byte, 1);
        EXPECT_EQ(count, 1);
    }
    EXPECT_EQ(byte, 'x');
    close_both(on, both);
}

DRIVER_CASE(what_cannot_be_done_at_once_is_declined) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    io_operation reading(io_kind::recv, [](io_operation&) noexcept { ADD_FAILURE() << "completed"; });
    reading.fd = both.server;
    reading.buffer = &byte;
    reading.length = 1;
    EXPECT_FALSE(on.driver.try_now(reading));
    close_both(on, both);
    co_return;
}

DRIVER_CASE(sync_is_not_for_sockets) {
    const two_ends both = co_await connected(on);
    const int result = co_await perform(on, io_kind::sync, both.client);
    EXPECT_EQ(result, -EINVAL);
    close_both(on, both);
}

// ---- cancelling

DRIVER_CASE(a_cancelled_read_takes_no_bytes) {
    const two_ends both = co_await connected(on);
    std::array<char, 8> buffer{};
    {
        pending reading(on, io_kind::recv, both.server, buffer.data(), buffer.size());
        reading.cancel();
        const int result = co_await reading.result();
        EXPECT_EQ(result, -ECANCELED);
    }
    co_await send_and_end(on, both.client, "still here");
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard, "still here");
    close_both(on, both);
}

DRIVER_CASE(cancelling_twice_is_cancelling_once) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.server, &byte, 1);
    reading.cancel();
    reading.cancel();
    const int result = co_await reading.result();
    EXPECT_EQ(result, -ECANCELED);
    close_both(on, both);
}

DRIVER_CASE(cancelling_what_is_over_changes_nothing) {
    const two_ends both = co_await connected(on);
    co_await send_all(on, both.client, "x");
    char byte = 0;
    pending reading(on, io_kind::recv, both.server, &byte, 1);
    const int result = co_await reading.result();
    reading.cancel();
    EXPECT_EQ(result, 1);
    EXPECT_EQ(reading.result_now(), 1);
    close_both(on, both);
}

DRIVER_CASE(a_cancelled_accept_leaves_the_client_in_the_line) {
    endpoint where;
    const int listener = listening(on, where);
    {
        pending accepting(on, io_kind::accept, listener);
        accepting.cancel();
        const int result = co_await accepting.result();
        EXPECT_EQ(result, -ECANCELED);
    }
    const int client = on.driver.open_socket(false);
    co_await connect(on, client, where);
    const int server = co_await perform(on, io_kind::accept, listener);
    EXPECT_GE(server, 0);
    close_both(on, {client, server});
    on.driver.close_now(listener);
}

DRIVER_CASE(one_of_two_accepts_is_cancelled_and_the_other_serves) {
    endpoint where;
    const int listener = listening(on, where);
    pending first(on, io_kind::accept, listener);
    pending second(on, io_kind::accept, listener);
    first.cancel();
    const int canceled = co_await first.result();
    EXPECT_EQ(canceled, -ECANCELED);
    const int client = on.driver.open_socket(false);
    co_await connect(on, client, where);
    const int server = co_await second.result();
    EXPECT_GE(server, 0);
    close_both(on, {client, server});
    on.driver.close_now(listener);
}

DRIVER_CASE(every_accept_that_waits_can_be_cancelled) {
    endpoint where;
    const int listener = listening(on, where);
    pending first(on, io_kind::accept, listener);
    pending second(on, io_kind::accept, listener);
    pending third(on, io_kind::accept, listener);
    for (pending* each : {&second, &third, &first}) {
        each->cancel();
        const int result = co_await each->result();
        EXPECT_EQ(result, -ECANCELED);
    }
    on.driver.close_now(listener);
}

DRIVER_CASE(reading_is_cancelled_and_writing_goes_on) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.client, &byte, 1);
    const std::string text = pattern(100'000);
    task<> sending = send_and_end(on, both.client, text);
    reading.cancel();
    const int result = co_await reading.result();
    EXPECT_EQ(result, -ECANCELED);
    const std::string heard = co_await receive_all(on, both.server);
    co_await std::move(sending);
    EXPECT_TRUE(heard == text);
    close_both(on, both);
}

DRIVER_CASE(a_round_trip_may_be_cancelled_or_not) {
    pending nothing(on, io_kind::nop, -1);
    nothing.cancel();
    const int result = co_await nothing.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
}

DRIVER_CASE(a_read_cancelled_while_the_peer_closes_has_one_outcome) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.client, &byte, 1);
    on.driver.close_now(both.server);
    reading.cancel();
    const int result = co_await reading.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_read_cancelled_while_the_peer_resets_has_one_outcome) {
    const two_ends both = co_await connected(on);
    char byte = 0;
    pending reading(on, io_kind::recv, both.client, &byte, 1);
    reset_on_close(on, both.server);
    on.driver.close_now(both.server);
    reading.cancel();
    const int result = co_await reading.result();
    EXPECT_TRUE(one_of(result, {-ECONNRESET, -ECANCELED}));
    if (result == -ECANCELED) {
        const int later = co_await receive(on, both.client, &byte, 1);
        EXPECT_EQ(later, -ECONNRESET);
    }
    on.driver.close_now(both.client);
}

DRIVER_CASE(a_cancelled_wait_for_readiness_ends) {
    const two_ends both = co_await connected(on);
    pending waiting(on, io_kind::poll, both.client, nullptr, 0, io_operation::no_offset, POLLIN);
    waiting.cancel();
    const int result = co_await waiting.result();
    EXPECT_EQ(result, -ECANCELED);
    close_both(on, both);
}

DRIVER_CASE(a_cancelled_attempt_to_connect_ends_one_way) {
    endpoint where;
    const int listener = listening(on, where);
    const int client = on.driver.open_socket(false);
    weft::detail::socket_address address(where);
    pending connecting(on, io_kind::connect, client, address.data(), address.size());
    connecting.cancel();
    const int result = co_await connecting.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    on.driver.close_now(client);
    on.driver.close_now(listener);
}

DRIVER_CASE(a_cancelled_write_tells_what_it_sent) {
    const two_ends both = co_await connected(on);
    const std::string text(32 << 20, 'x');
    std::size_t sent = 0;
    int result = 1;
    for (bool last = false; result > 0 && !last;) {
        pending sending(on, io_kind::send, both.client, text.data() + sent, text.size() - sent);
        // At some time nothing fits any more, and the operation waits.
        for (int i = 0; i < 20 && !sending.is_done(); ++i) co_await yield();
        if (!sending.is_done()) {
            sending.cancel();
            last = true;
        }
        result = co_await sending.result();
        if (result > 0) sent += static_cast<std::size_t>(result);
    }
    EXPECT_TRUE(result > 0 || result == -ECANCELED) << result;
    on.driver.shutdown(both.client, SHUT_WR);
    const std::string heard = co_await receive_all(on, both.server);
    EXPECT_EQ(heard.size(), sent);
    close_both(on, both);
}

// The byte is seen exactly once: by the read that is being cancelled, or by the next.
DRIVER_CASE(a_read_cancelled_while_its_byte_arrives_has_one_outcome) {
    const two_ends both = co_await connected(on);
    for (int round = 0; round < 20; ++round) {
        const char sent = static_cast<char>('a' + round);
        char heard = 0;
        pending reading(on, io_kind::recv, both.server, &heard, 1);
        if (round % 2 == 0) co_await send_all(on, both.client, std::string_view(&sent, 1));
        reading.cancel();
        if (round % 2 != 0) co_await send_all(on, both.client, std::string_view(&sent, 1));
        const int result = co_await reading.result();
        EXPECT_TRUE(one_of(result, {1, -ECANCELED}));
        if (result == -ECANCELED) {
            const int count = co_await receive(on, both.server, &heard, 1);
            EXPECT_EQ(count, 1);
        }
        EXPECT_EQ(heard, sent);
    }
    close_both(on, both);
}

DRIVER_CASE(an_accept_cancelled_while_its_client_comes_loses_nobody) {
    endpoint where;
    const int listener = listening(on, where);
    for (int round = 0; round < 10; ++round) {
        const int client = on.driver.open_socket(false);
        pending accepting(on, io_kind::accept, listener);
        task<int> connecting = connect(on, client, where);
        co_await yield();
        accepting.cancel();
        int server = co_await accepting.result();
        const int failed = co_await std::move(connecting);
        EXPECT_EQ(failed, 0);
        if (server == -ECANCELED) server = co_await perform(on, io_kind::accept, listener);
        EXPECT_GE(server, 0);
        EXPECT_EQ(name_of(on, server, true), name_of(on, client, false));
        close_both(on, {client, server});
    }
    on.driver.close_now(listener);
}

// A new socket may get the number of one that was just closed; what was asked of the old one must not reach it.
DRIVER_CASE(a_reused_number_is_a_new_descriptor) {
    for (int round = 0; round < 10; ++round) {
        const two_ends both = co_await connected(on);
        char byte = 0;
        pending reading(on, io_kind::recv, both.client, &byte, 1);
        reading.cancel();
        const int result = co_await reading.result();
        EXPECT_EQ(result, -ECANCELED);
        on.driver.close_now(both.client);
        const two_ends next = co_await connected(on);
        co_await send_all(on, next.server, "n");
        const int count = co_await receive(on, next.client, &byte, 1);
        EXPECT_EQ(count, 1);
        close_both(on, next);
        on.driver.close_now(both.server);
    }
}
