// A blocking client and a load generator on epoll.
// SPDX-License-Identifier: MIT

#include "plain_http.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace user_page {

namespace {

using steady = std::chrono::steady_clock;

double milliseconds_between(steady::time_point from, steady::time_point until) {
    return std::chrono::duration<double, std::milli>(until - from).count();
}

std::string request_text(std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

bool send_all(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool same_name(std::string_view left, std::string_view right) {
    return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

std::size_t content_length(std::string_view head) {
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && same_name(line.substr(0, colon), "Content-Length")) {
            std::string_view value = line.substr(colon + 1);
            while (value.starts_with(' ')) value.remove_prefix(1);
            std::size_t length = 0;
            const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), length);
            if (problem == std::errc()) return length;
        }
        head.remove_prefix(std::min(head.size(), line.size() + 2));
    }
    throw std::runtime_error("a response has no usable Content-Length");
}

// One connection of a load, with at most one request in flight.
struct load_line {
    int socket = -1;
    std::string received;
    steady::time_point sent_at;

    load_line() = default;
    load_line(const load_line&) = delete;
    load_line& operator=(const load_line&) = delete;
    ~load_line() {
        if (socket >= 0) close(socket);
    }
};

// The lines and the epoll instance that tells which of them has something to read.
class load_lines {
public:
    load_lines(std::uint16_t port, std::string_view path, std::size_t count)
        : poller_(epoll_create1(EPOLL_CLOEXEC)), request_(request_text(path)), lines_(count) {
        for (load_line& line : lines_) {
            line.socket = connect_to(port);
            fcntl(line.socket, F_SETFL, O_NONBLOCK);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = &line;
            epoll_ctl(poller_, EPOLL_CTL_ADD, line.socket, &event);
        }
    }
    ~load_lines() { close(poller_); }
    load_lines(const load_lines&) = delete;
    load_lines& operator=(const load_lines&) = delete;

    // A request is far smaller than an empty socket buffer, so sending one never waits.
    void ask(load_line& line) {
        line.sent_at = steady::now();
        if (!send_all(line.socket, request_)) give_up(line);
    }
    void ask_all() {
        for (load_line& line : lines_) ask(line);
    }

    // Waits for at most a millisecond, and calls `answered(line, status)` for every answer that has arrived.
    template <class Answered>
    void poll(Answered answered) {
        std::array<epoll_event, 256> events;
        const int count = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 1);
        for (int index = 0; index < count; ++index) {
            auto& line = *static_cast<load_line*>(events[static_cast<std::size_t>(index)].data.ptr);
            if (!receive(line)) {
                give_up(line);
                continue;
            }
            const response_end end = find_response_end(line.received);
            if (!end.complete) continue;
            line.received.erase(0, end.size);
            answered(line, end.status);
        }
    }

    [[nodiscard]] std::size_t lost() const { return lost_; }

private:
    static bool receive(load_line& line) {
        std::array<char, 4096> buffer;
        for (;;) {
            const ssize_t count = recv(line.socket, buffer.data(), buffer.size(), 0);
            if (count > 0) line.received.append(buffer.data(), static_cast<std::size_t>(count));
            if (count > 0 && static_cast<std::size_t>(count) < buffer.size()) return true;
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return errno == EAGAIN;
            if (count == 0) return false;
        }
    }
    void give_up(load_line& line) {
        ++lost_;
        epoll_ctl(poller_, EPOLL_CTL_DEL, line.socket, nullptr);
    }

    int poller_;
    std::string request_;
    std::vector<load_line> lines_;
    std::size_t lost_ = 0;
};

}  // namespace

int connect_to(std::uint16_t port) {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(port);
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection < 0 || connect(connection, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
        const std::string problem = std::strerror(errno);
        if (connection >= 0) close(connection);
        throw std::runtime_error("connect to '127.0.0.1:" + std::to_string(port) + "' failed: " + problem);
    }
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

response_end find_response_end(std::string_view received) {
    response_end found;
    const std::size_t blank = received.find("\r\n\r\n");
    if (blank == std::string_view::npos) return found;
    if (!received.starts_with("HTTP/1.") || received.size() < 12) throw std::runtime_error("an answer is no HTTP response");
    const std::string_view head = received.substr(0, blank + 2);
    std::from_chars(head.data() + 9, head.data() + 12, found.status);
    found.body_at = blank + 4;
    found.size = found.body_at + content_length(head);
    found.complete = received.size() >= found.size;
    return found;
}

blocking_client::~blocking_client() {
    for (const int connection : idle_) close(connection);
}

int blocking_client::take_connection() {
    {
        const std::lock_guard guard(mutex_);
        while (!idle_.empty()) {
            const int connection = idle_.back();
            idle_.pop_back();
            // One that the server has closed meanwhile has an end to read.
            char byte = 0;
            const ssize_t seen = recv(connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            if (seen < 0 && errno == EAGAIN) return connection;
            close(connection);
        }
    }
    return connect_to(port_);
}

std::string blocking_client::exchange(int connection, std::string_view path) {
    const std::string where = "get '" + std::string(path) + "' failed: ";
    if (!send_all(connection, request_text(path))) throw std::runtime_error(where + std::strerror(errno));
    std::string received;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t count = recv(connection, buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw std::runtime_error(where + std::strerror(errno));
        if (count == 0) throw std::runtime_error(where + "the connection was closed");
        received.append(buffer.data(), static_cast<std::size_t>(count));
        const response_end end = find_response_end(received);
        if (!end.complete) continue;
        if (end.status != 200) throw std::runtime_error(where + "status " + std::to_string(end.status));
        return received.substr(end.body_at, end.size - end.body_at);
    }
}

std::string blocking_client::get(std::string_view path) {
    const int connection = take_connection();
    try {
        std::string body = exchange(connection, path);
        const std::lock_guard guard(mutex_);
        idle_.push_back(connection);
        return body;
    } catch (...) {
        close(connection);
        throw;
    }
}

load_result keep_in_flight(std::uint16_t port, std::string_view path, std::size_t connections,
    std::chrono::milliseconds warm_up, std::chrono::milliseconds measured) {
    load_result result;
    load_lines lines(port, path, connections);
    const auto begin = steady::now() + warm_up;
    const auto end = begin + measured;
    lines.ask_all();
    for (auto now = steady::now(); now < end; now = steady::now()) {
        lines.poll([&](load_line& line, int status) {
            const auto answered_at = steady::now();
            if (status != 200) ++result.failures;
            else if (answered_at >= begin && answered_at < end)
                result.latencies_ms.push_back(milliseconds_between(line.sent_at, answered_at));
            lines.ask(line);
        });
    }
    result.seconds = std::chrono::duration<double>(measured).count();
    result.failures += lines.lost();
    return result;
}

load_result send_burst(std::uint16_t port, std::string_view path, std::size_t count,
    void (*tick)(void* context, double since_sent_ms), void* context) {
    load_result result;
    load_lines lines(port, path, count);
    const auto begin = steady::now();
    std::size_t answered = 0;
    lines.ask_all();
    while (answered + lines.lost() < count) {
        lines.poll([&](load_line& line, int status) {
            ++answered;
            if (status != 200) ++result.failures;
            else result.latencies_ms.push_back(milliseconds_between(line.sent_at, steady::now()));
        });
        const double elapsed = milliseconds_between(begin, steady::now());
        if (tick != nullptr) tick(context, elapsed);
        if (elapsed > 60'000) throw std::runtime_error("no answer to '" + std::string(path) + "' within a minute");
    }
    result.seconds = milliseconds_between(begin, steady::now()) / 1000;
    result.failures += lines.lost();
    return result;
}

}  // namespace user_page
