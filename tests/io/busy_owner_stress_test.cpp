// tests/io/busy_owner_stress_test.cpp: a worker that computes for a second does not hold up the I/O it was given.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.hpp"
#include "weft/thread_pool.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using clock = std::chrono::steady_clock;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

constexpr auto busy_for = std::chrono::seconds(1);
// The sanitizers slow everything down, and not evenly.
constexpr auto limit = std::chrono::milliseconds(WEFT_TSAN || WEFT_ASAN ? 200 : 20);

task<> echo(tcp_stream& stream) {
    std::array<char, 64> buffer{};
    for (;;) {
        const std::size_t count = co_await stream.read(std::span<char>(buffer));
        if (count == 0) co_return;
        co_await stream.write(std::string_view(buffer.data(), count));
    }
}

/// A client that blocks, outside any runtime.
class plain_client {
public:
    explicit plain_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) std::perror("connect");
    }
    plain_client(plain_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    plain_client& operator=(plain_client&&) = delete;
    ~plain_client() {
        if (fd_ >= 0) ::close(fd_);
    }
    clock::duration round_trip() {
        char text[8] = "1234567";
        const auto begin = clock::now();
        if (::send(fd_, text, sizeof text, MSG_NOSIGNAL) != sizeof text) std::perror("send");
        for (std::size_t got = 0; got < sizeof text;) {
            const ssize_t part = ::recv(fd_, text + got, sizeof text - got, 0);
            if (part <= 0) break;
            got += static_cast<std::size_t>(part);
        }
        return clock::now() - begin;
    }

private:
    int fd_;
};

task<> connect_all(std::vector<plain_client>& clients, std::vector<tcp_stream>& served) {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    for (int i = 0; i < 32; ++i) {
        clients.emplace_back(listener.local_endpoint().port());
        served.push_back(co_await listener.accept());
    }
}

TEST(busy_owner, its_connections_and_what_it_had_just_queued_are_served_by_others) {
    runtime_options options;
    options.min_threads = 2;
    runtime where(options);
    std::vector<clock::duration> times;
    {
        std::vector<tcp_stream> served;
        std::vector<plain_client> clients;
        block_on(where, &connect_all, std::ref(clients), std::ref(served));
        std::vector<task<>> echoes(served.size());
        std::atomic<bool> queued{false};
        std::atomic<bool> over{false};
        where.pool().post([&] {
            // Their first reads are prepared by this worker, and then it does not come back for a second.
            for (std::size_t i = 0; i < served.size(); ++i) echoes[i] = echo(served[i]);
            queued = true;
            for (const auto until = clock::now() + busy_for; clock::now() < until;) {}
            over = true;
        });
        ASSERT_TRUE(eventually([&] { return queued.load(); }));
        while (!over.load()) {
            for (plain_client& client : clients) times.push_back(client.round_trip());
        }
        clients.clear();
        for (task<>& each : echoes) block_on(where, each);
    }
    where.shutdown();
    std::sort(times.begin(), times.end());
    const auto milliseconds = [&](double part) {
        const auto at = static_cast<std::size_t>(part * static_cast<double>(times.size() - 1));
        return std::chrono::duration<double, std::milli>(times[at]).count();
    };
    std::printf("%zu round trips beside a busy worker: p50 %.3f ms, p99 %.3f ms, longest %.3f ms\n", times.size(),
        milliseconds(0.5), milliseconds(0.99), milliseconds(1));
    EXPECT_GT(times.size(), 100U);
    const double most = std::chrono::duration<double, std::milli>(limit).count();
    EXPECT_LT(milliseconds(0.99), most);
}

}  // namespace
