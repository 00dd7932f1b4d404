// tests/io/socket_signals_stress_test.cpp: signals in the middle of everything that sockets do; nobody sees an EINTR.
// SPDX-License-Identifier: MIT

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include <sys/time.h>

#include "support.hpp"
#include "weft/net/udp.hpp"
#include "weft/net/unix.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::udp_socket;

volatile std::sig_atomic_t signals = 0;

/// A signal every 50 µs, to whichever thread gets it, without SA_RESTART.
class signal_storm {
public:
    signal_storm() {
        struct sigaction wanted{};
        wanted.sa_handler = [](int) { signals = signals + 1; };
        ::sigaction(SIGALRM, &wanted, &before_);
        const itimerval often{{0, 50}, {0, 50}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
    }
    ~signal_storm() {
        const itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }
    signal_storm(const signal_storm&) = delete;
    signal_storm& operator=(const signal_storm&) = delete;

private:
    struct sigaction before_{};
};

using socket_signals = io_test;

task<> send_much(net::unix_stream& to, const std::string& text) {
    co_await to.write(text);
    to.shutdown_send();
}

task<> through_a_storm(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        connection both = co_await connect_pair();
        udp_socket here = udp_socket::bind(endpoint::loopback_v4());
        udp_socket there = udp_socket::bind(endpoint::loopback_v4());
        std::array<std::byte, 8> room{};
        for (int i = 0; i < 20; ++i) {
            task<net::received_datagram> coming = there.receive_from(room);
            co_await here.send_to(there.local_endpoint(), std::string_view("datagram"));
            const net::received_datagram got = co_await std::move(coming);
            EXPECT_EQ(got.size, 8U);
            co_await both.client.write(std::string_view("a stream"));
            co_await both.server.read_exactly(room);
        }
        std::pair<net::unix_stream, net::unix_stream> local = net::unix_stream::pair();
        const std::string text(500'000, 'x');
        task<> sending = send_much(local.first, text);
        std::vector<std::byte> all(text.size());
        co_await local.second.read_exactly(all);
        co_await std::move(sending);
    }
}

TEST_F(socket_signals, are_never_seen) {
    const signal_storm storm;
    block_on(through_a_storm(scaled(40)));
    EXPECT_GT(signals, 10);
}

}  // namespace
