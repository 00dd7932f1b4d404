#pragma once
// Scripted peers: blocking sockets that say exactly what a test wants, byte by byte. Every wait is bounded.
// SPDX-License-Identifier: MIT

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace weft_test {

/// One end of a TCP connection on loopback.
class raw_socket {
public:
    explicit raw_socket(int fd) : fd_(fd) { prepare(); }
    /// Connects to 127.0.0.1:port.
    explicit raw_socket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        prepare();
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
            throw std::runtime_error("connect failed");
    }
    raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), rest_(std::move(other.rest_)) {}
    raw_socket& operator=(raw_socket&&) = delete;
    ~raw_socket() { close(); }

    /// @returns whether everything was taken
    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// Everything up to and including `end`; what there was, if the connection ended before.
    std::string read_until(std::string_view end) {
        for (;;) {
            const std::size_t found = rest_.find(end);
            if (found != std::string::npos) return take(found + end.size());
            if (!more()) return take(rest_.size());
        }
    }
    std::string read_exactly(std::size_t size) {
        while (rest_.size() < size && more()) {}
        return take(std::min(size, rest_.size()));
    }
    /// Everything until the peer closes.
    std::string read_to_end() {
        while (more()) {}
        return take(rest_.size());
    }
    /// One response or request with a Content-Length, head and body.
    std::string read_message() {
        std::string head = read_until("\r\n\r\n");
        const std::size_t at = head.find("Content-Length: ");
        if (at == std::string::npos) return head;
        return head + read_exactly(static_cast<std::size_t>(std::stoul(head.substr(at + 16))));
    }
    /// Whether the peer has closed, or reset, with nothing left to read.
    bool is_at_end() { return rest_.empty() && !more(); }

    void shutdown_send() { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// Closes with a reset.
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close();
    }

private:
    void prepare() {
        const timeval limit{20, 0};
        const int on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    bool more() {
        char bytes[16384];
        ssize_t got;
        do got = ::recv(fd_, bytes, sizeof(bytes), 0);
        while (got < 0 && errno == EINTR);
        if (got > 0) rest_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    }
    std::string take(std::size_t size) {
        std::string taken = rest_.substr(0, size);
        rest_.erase(0, size);
        return taken;
    }

    int fd_;
    std::string rest_;
};

/// Listens on loopback and runs a script, each on its own thread, for every connection.
class raw_server {
public:
    using script = std::function<void(raw_socket&, int)>;

    /// @param talk  called with the connection and its number, from 0
    explicit raw_server(script talk) : talk_(std::move(talk)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 || ::listen(fd_, 256) != 0)
            throw std::runtime_error("listen failed");
        socklen_t size = sizeof(address);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    raw_server(const raw_server&) = delete;
    raw_server& operator=(const raw_server&) = delete;
    ~raw_server() {
        stopping_.store(true);
        ::shutdown(fd_, SHUT_RDWR);
        acceptor_.join();
        for (std::thread& talker : talkers_) talker.join();
        ::close(fd_);
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int connections() const { return connections_.load(); }
    [[nodiscard]] std::string url(std::string_view target = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
    }

private:
    void accept_all() {
        while (!stopping_.load()) {
            const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            const int number = connections_.fetch_add(1);
            talkers_.emplace_back([this, fd, number] {
                raw_socket peer(fd);
                talk_(peer, number);
            });
        }
    }

    script talk_;
    int fd_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<int> connections_{0};
    std::vector<std::thread> talkers_;
    std::thread acceptor_;
};

}  // namespace weft_test
