// tests/io/udp_batch_test.cpp: datagrams that are moved together are the same datagrams.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/io/kernel_shim.hpp"
#include "weft/net/udp.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::datagram;
using net::datagram_room;
using net::endpoint;
using net::udp_socket;

using udp_batch = io_test;

/// Rooms for `count` datagrams of up to `size` bytes.
struct rooms_of {
    std::vector<std::byte> bytes;
    std::vector<datagram_room> all;

    rooms_of(std::size_t count, std::size_t size) : bytes(count * size), all(count) {
        for (std::size_t i = 0; i < count; ++i) all[i].room = std::span(bytes).subspan(i * size, size);
    }
    [[nodiscard]] std::string text(std::size_t index) const {
        const std::span<const std::byte> content = all[index].content();
        return {reinterpret_cast<const char*>(content.data()), content.size()};
    }
};

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::vector<std::string> numbered(std::size_t count) {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back("number " + std::to_string(i));
    return made;
}

std::vector<datagram> addressed(const std::vector<std::string>& texts, const std::optional<endpoint>& to) {
    std::vector<datagram> made;
    for (const std::string& each : texts) made.push_back({bytes_of(each), to});
    return made;
}

task<> move_many(endpoint at, std::size_t count, std::size_t rooms, bool connect) {
    udp_socket server = udp_socket::bind(at);
    udp_socket client = udp_socket::bind(at);
    const endpoint to = server.local_endpoint();
    if (connect) co_await client.connect(to);
    const std::vector<std::string> texts = numbered(count);
    const std::vector<datagram> going = addressed(texts, connect ? std::nullopt : std::optional(to));
    const std::size_t sent = co_await client.send_many(going);
    EXPECT_EQ(sent, count);
    rooms_of coming(rooms, 64);
    std::size_t next = 0;
    while (next < count) {
        const std::size_t came = co_await server.receive_many(coming.all);
        EXPECT_GE(came, 1U);
        EXPECT_LE(came, rooms);
        // All lie ready, so each call takes what it has room for.
        EXPECT_EQ(came, std::min(rooms, count - next));
        for (std::size_t i = 0; i < came; ++i, ++next) {
            EXPECT_EQ(coming.text(i), texts[next]);
            EXPECT_EQ(coming.all[i].came.from, client.local_endpoint());
            EXPECT_FALSE(coming.all[i].came.is_truncated());
        }
    }
    co_await server.close();
    co_await client.close();
}
TEST_F(udp_batch, datagrams_keep_their_order_their_bytes_and_their_sender) {
    block_on(move_many(endpoint::loopback_v4(), 100, 40, false));
}
TEST_F(udp_batch, over_ipv6_too) { block_on(move_many(endpoint::loopback_v6(), 70, 33, false)); }
TEST_F(udp_batch, to_the_connected_peer_too) { block_on(move_many(endpoint::loopback_v4(), 5, 1, true)); }

task<> too_long() {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    const std::vector<std::string> texts = {"fits", "is longer than its room", "", "fits"};
    const std::vector<datagram> going = addressed(texts, server.local_endpoint());
    const std::size_t sent = co_await client.send_many(going);
    EXPECT_EQ(sent, 4U);
    rooms_of coming(4, 8);
    const std::size_t came = co_await server.receive_many(coming.all);
    EXPECT_EQ(came, 4U);
    EXPECT_EQ(coming.text(0), "fits");
    EXPECT_EQ(coming.text(1), "is longe");
    EXPECT_TRUE(coming.all[1].came.is_truncated());
    EXPECT_EQ(coming.all[1].came.full_size, 23U);
    EXPECT_EQ(coming.text(2), "");
    EXPECT_EQ(coming.text(3), "fits");
}
TEST_F(udp_batch, one_that_is_too_long_is_cut_and_an_empty_one_is_one) { block_on(too_long()); }

task<> nothing_to_move() {
    udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
    const std::size_t came = co_await socket.receive_many({});
    EXPECT_EQ(came, 0U);
    const std::size_t sent = co_await socket.send_many({});
    EXPECT_EQ(sent, 0U);
}
TEST_F(udp_batch, without_room_or_datagrams_nothing_happens) { block_on(nothing_to_move()); }

task<> one_cannot_go() {
    udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
    const std::string good = "good";
    const std::string bad(70'000, 'x');
    const endpoint to = socket.local_endpoint();
    const std::vector<datagram> going = {
        {bytes_of(good), to}, {bytes_of(good), to}, {bytes_of(bad), to}, {bytes_of(good), to}};
    const std::size_t sent = co_await socket.send_many(going);
    EXPECT_EQ(sent, 2U) << "those before it";
    const std::span<const datagram> rest = std::span(going).subspan(sent);
    int error = 0;
    try {
        static_cast<void>(co_await socket.send_many(rest));
    } catch (const io_error& problem) {
        error = problem.code().value();
        EXPECT_NE(std::string(problem.what()).find("send to '" + to.to_string() + "'"), std::string::npos)
            << problem.what();
    }
    EXPECT_EQ(error, EMSGSIZE);
}
TEST_F(udp_batch, one_that_cannot_be_sent_ends_the_batch_and_is_named_by_the_next) { block_on(one_cannot_go()); }

/// Looks at every operation, and changes none.
class watching_shim final : public kernel_shim {
public:
    watching_shim() { set_kernel_shim(this); }
    ~watching_shim() { set_kernel_shim(nullptr); }
    [[nodiscard]] int refuse(const io_operation& operation) noexcept override {
        if (operation.kind == io_kind::sendmsg) ++sent;
        if (operation.kind == io_kind::recvmsg) ++received;
        return 0;
    }
    std::atomic<int> sent{0};
    std::atomic<int> received{0};
};

TEST_F(udp_batch, a_shim_sees_each_datagram) {
    const auto shim = std::make_unique<watching_shim>();
    const auto alone = [](std::size_t count) -> task<> {
        udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
        const std::vector<std::string> texts = numbered(count);
        const std::vector<datagram> going = addressed(texts, socket.local_endpoint());
        const std::size_t sent = co_await socket.send_many(going);
        EXPECT_EQ(sent, count);
        rooms_of coming(4, 16);
        for (std::size_t next = 0; next < count; ++next) {
            const std::size_t came = co_await socket.receive_many(coming.all);
            EXPECT_EQ(came, 1U);
            EXPECT_EQ(coming.text(0), texts[next]);
        }
        co_await socket.close();
    };
    block_on(alone(5));
    EXPECT_EQ(shim->sent, 5);
    EXPECT_GE(shim->received, 5);
}

task<> cancelled() {
    udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
    rooms_of coming(4, 16);
    cancellation_source stop;
    task<std::size_t> waiting = socket.receive_many(coming.all, stop.token());
    EXPECT_FALSE(waiting.is_completed());
    stop.cancel();
    const std::string why = co_await failure_of(std::move(waiting));
    EXPECT_NE(why.find("cancel"), std::string::npos) << why;
    task<std::size_t> closing = socket.receive_many(coming.all);
    const std::vector<std::string> texts = numbered(3);
    const std::vector<datagram> going = addressed(texts, socket.local_endpoint());
    task<std::size_t> refused = socket.send_many(going, stop.token());
    const std::string not_sent = co_await failure_of(std::move(refused));
    EXPECT_NE(not_sent.find("cancel"), std::string::npos) << not_sent;
    co_await socket.close();
    const std::string ended = co_await failure_of(std::move(closing));
    EXPECT_NE(ended.find("it was closed meanwhile"), std::string::npos) << ended;
    udp_socket nothing;
    const std::string disposed = co_await failure_of(nothing.receive_many(coming.all));
    EXPECT_NE(disposed.find("'udp_socket' has been disposed"), std::string::npos) << disposed;
}
TEST_F(udp_batch, a_receive_ends_when_it_is_cancelled_or_closed) { block_on(cancelled()); }

/// On epoll what there is room for goes without a suspension, so that nothing is left to cancel.
bool is_cancelled_or_over(const std::string& failure) {
    return failure.empty() || failure.find("was canceled: it was closed meanwhile") != std::string::npos;
}

/// Under a shim each datagram goes alone, on io_uring with a suspension.
task<> move_and_close_while_sending() {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    const std::vector<std::string> texts = numbered(20);
    const std::vector<datagram> going = addressed(texts, server.local_endpoint());
    task<std::size_t> sending = client.send_many(going);
    auto elsewhere = std::make_unique<udp_socket>(std::move(client));
    const std::size_t sent = co_await std::move(sending);
    EXPECT_EQ(sent, texts.size()) << "a socket moves without disturbing what is under way";
    const std::vector<std::string> many_texts = numbered(2000);
    const std::vector<datagram> many = addressed(many_texts, server.local_endpoint());
    task<std::size_t> closed = elsewhere->send_many(many);
    co_await elsewhere->close();
    const std::string ended = co_await failure_of(std::move(closed));
    EXPECT_TRUE(is_cancelled_or_over(ended)) << ended;
    udp_socket third = udp_socket::bind(endpoint::loopback_v4());
    task<std::size_t> dropped = third.send_many(many);
    third = udp_socket();
    const std::string ended_too = co_await failure_of(std::move(dropped));
    EXPECT_TRUE(is_cancelled_or_over(ended_too)) << ended_too;
    co_await server.close();
}
TEST_F(udp_batch, a_socket_may_move_close_and_go_while_it_sends) {
    const auto shim = std::make_unique<watching_shim>();
    block_on(move_and_close_while_sending());
}

task<> nobody_there() {
    udp_socket peer = udp_socket::bind(endpoint::loopback_v4());
    const endpoint gone = peer.local_endpoint();
    co_await peer.close();
    udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
    co_await socket.connect(gone);
    const std::vector<std::string> texts = numbered(1);
    const std::vector<datagram> going = addressed(texts, std::nullopt);
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
        try {
            static_cast<void>(co_await socket.send_many(going));
        } catch (const io_error& problem) {
            EXPECT_EQ(problem.code().value(), ECONNREFUSED);
            ++refused;
        }
    }
    EXPECT_GE(refused, 5) << "the answer to each datagram is told to the next send";
}
TEST_F(udp_batch, who_sends_to_nobody_is_told) { block_on(nobody_there()); }

task<> refused_behind() {
    udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
    udp_socket peer = udp_socket::bind(endpoint::loopback_v4());
    const endpoint gone = peer.local_endpoint();
    co_await socket.connect(gone);
    co_await peer.send_to(socket.local_endpoint(), std::string_view("last words"));
    co_await peer.close();
    co_await socket.send(std::string_view("anybody?"));
    // The machine's answer, that nobody is there, is told before what lies ready or behind it; either way both are told once.
    rooms_of coming(4, 16);
    std::multiset<std::string> told;
    while (told.size() < 2) {
        try {
            const std::size_t came = co_await socket.receive_many(coming.all);
            for (std::size_t i = 0; i < came; ++i) told.insert(coming.text(i));
        } catch (const io_error& problem) {
            told.insert(problem.code().value() == ECONNREFUSED ? "refused" : problem.what());
        }
    }
    EXPECT_EQ(told, (std::multiset<std::string>{"last words", "refused"}));
}
TEST_F(udp_batch, neither_a_datagram_nor_an_error_beside_it_is_lost) { block_on(refused_behind()); }

/// Answers the next batches with errors, in their order, and lets every datagram go alone after that.
class failing_batches final : public kernel_shim {
public:
    failing_batches(bool sending, std::vector<int> errors) : sending_(sending), errors_(std::move(errors)) {
        set_kernel_shim(this);
    }
    ~failing_batches() { set_kernel_shim(nullptr); }
    [[nodiscard]] int refuse_batch(bool sending) noexcept override {
        if (sending != sending_) return EAGAIN;
        const std::size_t now = next_.fetch_add(1);
        return now < errors_.size() ? errors_[now] : EAGAIN;
    }

private:
    bool sending_;
    std::vector<int> errors_;
    std::atomic<std::size_t> next_{0};
};

/// @returns the errno that `operation` fails with; 0: it does not
task<int> error_of(task<std::size_t> operation) {
    try {
        static_cast<void>(co_await std::move(operation));
    } catch (const io_error& problem) {
        co_return problem.code().value();
    }
    co_return 0;
}

task<> error_between_two_receives() {
    udp_socket socket = udp_socket::bind(endpoint::loopback_v4());
    const std::vector<std::string> texts = numbered(2);
    const std::vector<datagram> going = addressed(texts, socket.local_endpoint());
    static_cast<void>(co_await socket.send_many(going));
    rooms_of coming(4, 16);
    const std::size_t before = co_await socket.receive_many(coming.all);
    EXPECT_EQ(before, 1U);
    EXPECT_EQ(coming.text(0), texts[0]);
    task<std::size_t> failing = socket.receive_many(coming.all);
    const int told = co_await error_of(std::move(failing));
    EXPECT_EQ(told, ECONNREFUSED);
    const std::size_t after = co_await socket.receive_many(coming.all);
    EXPECT_EQ(after, 1U) << "it is told once";
    EXPECT_EQ(coming.text(0), texts[1]);
    co_await socket.close();
}
TEST_F(udp_batch, an_error_behind_datagrams_that_came_is_thrown_by_the_next_receive) {
    const auto shim = std::make_unique<failing_batches>(false, std::vector{ECONNREFUSED});
    block_on(error_between_two_receives());
}

task<> error_between_two_sends() {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    co_await client.connect(server.local_endpoint());
    const std::vector<std::string> texts = numbered(3);
    const std::vector<datagram> going = addressed(texts, std::nullopt);
    const std::size_t before = co_await client.send_many(going);
    EXPECT_EQ(before, 1U) << "the one that went alone";
    const std::span<const datagram> rest = std::span(going).subspan(before);
    task<std::size_t> failing = client.send_many(rest);
    const int told = co_await error_of(std::move(failing));
    EXPECT_EQ(told, ECONNREFUSED);
    const std::size_t after = co_await client.send_many(rest);
    EXPECT_EQ(after, 2U) << "it is told once";
    std::array<std::byte, 16> room{};
    for (const std::string& text : texts) {
        const net::received_datagram came = co_await server.receive_from(room);
        EXPECT_EQ(came.size, text.size());
    }
    co_await client.close();
    co_await server.close();
}
TEST_F(udp_batch, an_error_behind_datagrams_that_went_is_thrown_by_the_next_send) {
    const auto shim = std::make_unique<failing_batches>(true, std::vector{EAGAIN, ECONNREFUSED});
    block_on(error_between_two_sends());
}

}  // namespace
