#pragma once
// bench/support/load/tls.hpp: the load of a server that echoes over TLS 1.3. One thread on epoll. The server's certificate is not
// examined: it is made for the run, and what is measured comes after the handshakes.
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/epoll.h>

#include <memory>

#include "support/load/counts.hpp"
#include "support/sockets.hpp"
#include "support/tls.hpp"

namespace bench {

class tls_generator {
public:
    explicit tls_generator(std::size_t size) : request_(size, 'x'), room_(16'384, '\0') {
        if (size == 0) throw std::invalid_argument("message= is at least 1");
        if (context_ == nullptr || SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION) != 1)
            fail_tls("set up TLS");
        SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }

    /// Connects everybody, one after the other; what follows does not block.
    void connect_all(std::size_t count, std::uint16_t port) {
        connections_.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            const int descriptor = connect_to(SOCK_STREAM, port);
            connections_[i].session.reset(SSL_new(context_.get()));
            SSL_set_fd(connections_[i].session.get(), descriptor);
            if (SSL_connect(connections_[i].session.get()) != 1) fail_tls("shake hands with the server");
            ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
            epoll_event event{};
            event.events = EPOLLIN | EPOLLOUT | EPOLLET;
            event.data.u64 = i;
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
        }
    }

    void run(std::chrono::milliseconds duration) {
        auto now = clock::now();
        counted_time time(now, duration);
        for (connection& one : connections_) {
            one.sent_at = now;
            send(one);
        }
        std::vector<epoll_event> events(512);
        while (!time.is_over(now)) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
            now = clock::now();
            if (time.begins(now)) counts_.start();
            for (int i = 0; i < count; ++i) go_on(connections_[events[static_cast<std::size_t>(i)].data.u64]);
        }
        counts_.print("requests", time.start(), now);
    }

    tls_generator(const tls_generator&) = delete;
    tls_generator& operator=(const tls_generator&) = delete;
    ~tls_generator() { ::close(epoll_); }

private:
    struct free_session {
        void operator()(SSL* session) const { SSL_free(session); }
    };
    struct free_context {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    struct connection {
        std::unique_ptr<SSL, free_session> session;
        std::size_t sent = 0;
        std::size_t received = 0;
        clock::time_point sent_at;
        bool checked = false;  // the first answer was right
    };

    // Whether the session only wants the socket to become ready.
    static bool waits(connection& one, int result) {
        const int reason = SSL_get_error(one.session.get(), result);
        if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return true;
        if (reason == SSL_ERROR_ZERO_RETURN) throw std::runtime_error("the server closed a connection");
        if (reason == SSL_ERROR_SYSCALL && errno != 0) fail(errno, "speak to the server");
        fail_tls("speak to the server");
    }

    void send(connection& one) {
        while (one.sent < request_.size()) {
            const int n =
                SSL_write(one.session.get(), request_.data() + one.sent, static_cast<int>(request_.size() - one.sent));
            if (n <= 0 && waits(one, n)) return;
            one.sent += static_cast<std::size_t>(n);
        }
    }

    void go_on(connection& one) {
        send(one);
        for (;;) {
            const int n = SSL_read(one.session.get(), room_.data(), static_cast<int>(room_.size()));
            if (n <= 0 && waits(one, n)) return;
            take(one, static_cast<std::size_t>(n));
        }
    }

    void take(connection& one, std::size_t n) {
        if (!one.checked && room_.compare(0, n, request_, 0, n) != 0) {
            throw std::runtime_error("the server echoed other bytes than were sent");
        }
        one.received += n;
        if (one.received < request_.size()) return;
        if (one.received > request_.size()) throw std::runtime_error("the server echoed more than was sent");
        const auto now = clock::now();
        counts_.answer(one.sent_at, now);
        one = {std::move(one.session), 0, 0, now, true};
        send(one);
    }

    std::unique_ptr<SSL_CTX, free_context> context_{SSL_CTX_new(TLS_client_method())};
    std::vector<connection> connections_;
    std::string request_;
    std::string room_;
    counts counts_;
    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
};

}  // namespace bench
