// How fast does a TLS server send back what it gets? The limit of OpenSSL on sockets: a bare epoll loop, no library beside it.
// SPDX-License-Identifier: MIT

#include <sys/epoll.h>

#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "io/tls_echo/parameters.hpp"
#include "support/harness.hpp"
#include "support/sockets.hpp"
#include "support/tls.hpp"

namespace {

struct connection {
    connection(SSL_CTX* context, int socket) : descriptor(socket), session(SSL_new(context), SSL_free) {
        SSL_set_fd(session.get(), descriptor);
        SSL_set_accept_state(session.get());
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { ::close(descriptor); }

    int descriptor;
    std::unique_ptr<SSL, decltype(&SSL_free)> session;
};

bool wants_socket(const connection& one, int result) {
    const int reason = SSL_get_error(one.session.get(), result);
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
}

// What does not fit into the socket's buffer is waited for: no subject of this question has more than one message under way.
bool write_all(connection& one, const char* data, int size) {
    for (;;) {
        ERR_clear_error();
        const int written = SSL_write(one.session.get(), data, size);  // all of it, or none yet
        if (written > 0) return true;
        if (!wants_socket(one, written)) return false;
        std::this_thread::yield();
    }
}

// Shakes hands first, if that is not yet done: SSL_read() sees to it. @returns whether the connection lives
bool echo(connection& one, std::vector<char>& buffer) {
    do {
        ERR_clear_error();
        const int count = SSL_read(one.session.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (count <= 0) return wants_socket(one, count);
        if (!write_all(one, buffer.data(), count)) return false;
    } while (SSL_has_pending(one.session.get()) == 1);
    return true;
}

void watch(int epoll, int descriptor, connection* owner) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = owner;  // null: the listener
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

void serve(SSL_CTX* context, int listener, std::size_t size) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listener, nullptr);
    std::vector<char> buffer(size);
    std::vector<epoll_event> events(512);
    for (;;) {
        const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            auto* one = static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (one != nullptr) {
                if (!echo(*one, buffer)) delete one;
                continue;
            }
            const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted < 0) continue;
            bench::no_delay(accepted);
            watch(epoll, accepted, new connection(context, accepted));
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to connections that may have gone
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    bench::use_new_certificate(context.get());
    SSL_CTX_set_read_ahead(context.get(), 1);  // a record's head and body by one call
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::serve_on_threads(1, SOCK_NONBLOCK, [&](int listener) { serve(context.get(), listener, size); });
}
