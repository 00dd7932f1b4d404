#pragma once
// tests/io/fake_name_server.hpp: a name server of our own on the loopback, with answers made by hand.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weft/net/endpoint.hpp"
#include "weft/testing/allocation_failure.hpp"

namespace weft_test {

/// What the server does with questions about one name.
struct zone_entry {
    std::vector<std::string> v4, v6;
    std::string alias;    ///< the name the addresses stand under
    std::string pointer;  ///< the answer to a reverse question
    std::uint32_t ttl = 60;
    int code = 0;            ///< 2: server failure, 3: no such name
    bool silent = false;     ///< never answers
    int silent_asks = 0;     ///< questions for IPv6 that are not answered before one is
    bool truncated = false;  ///< by UDP: ask by TCP
    bool forged = false;     ///< an answer with a wrong id comes first
};

class fake_name_server {
public:
    static constexpr int failure = 2, no_such_name = 3;

    explicit fake_name_server(std::map<std::string, zone_entry> zone) : zone_(std::move(zone)) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        // A port that is free for both.
        for (int attempt = 0; attempt < 50; ++attempt) {
            tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            here.sin_port = 0;
            socklen_t size = sizeof here;
            const bool got = ::bind(tcp_, address(here), sizeof here) == 0 && ::listen(tcp_, 8) == 0 &&
                ::getsockname(tcp_, address(here), &size) == 0 && ::bind(udp_, address(here), sizeof here) == 0;
            if (got) break;
            ::close(tcp_);
            ::close(udp_);
        }
        port_ = ntohs(here.sin_port);
        static_cast<void>(::pipe(stop_));
        thread_ = std::thread([this] {
            const weft::testing::allocations_succeed own;  // a machine of its own, as it were
            serve();
        });
    }
    ~fake_name_server() {
        ::close(stop_[1]);
        thread_.join();
        for (const int fd : {stop_[0], tcp_, udp_}) ::close(fd);
    }
    fake_name_server(const fake_name_server&) = delete;
    fake_name_server& operator=(const fake_name_server&) = delete;

    [[nodiscard]] weft::net::endpoint endpoint() const { return weft::net::endpoint::loopback_v4(port_); }
    /// Questions seen about `name`, of any type.
    [[nodiscard]] int questions(const std::string& name) const {
        const std::lock_guard guard(mutex_);
        const auto found = seen_.find(name);
        return found == seen_.end() ? 0 : found->second;
    }
    [[nodiscard]] int by_tcp() const { return by_tcp_.load(); }

private:
    using bytes = std::vector<std::uint8_t>;

    static sockaddr* address(sockaddr_in& of) { return reinterpret_cast<sockaddr*>(&of); }
    static void put16(bytes& to, unsigned value) {
        to.push_back(static_cast<std::uint8_t>(value >> 8));
        to.push_back(static_cast<std::uint8_t>(value));
    }
    static void put_name(bytes& to, std::string_view name) {
        while (!name.empty()) {
            const std::string_view label = name.substr(0, name.find('.'));
            to.push_back(static_cast<std::uint8_t>(label.size()));
            to.insert(to.end(), label.begin(), label.end());
            name.remove_prefix(std::min(name.size(), label.size() + 1));
        }
        to.push_back(0);
    }
    static void put_record(bytes& to, std::string_view name, unsigned type, std::uint32_t ttl, const bytes& data) {
        put_name(to, name);
        put16(to, type);
        put16(to, 1);
        put16(to, ttl >> 16);
        put16(to, ttl & 0xffff);
        put16(to, static_cast<unsigned>(data.size()));
        to.insert(to.end(), data.begin(), data.end());
    }

    /// @returns the answer to `question`; empty: none
    bytes answer(const std::uint8_t* question, std::size_t size, bool udp, bool* forge) {
        if (size < 17) return {};
        std::string name;
        std::size_t at = 12;
        while (at < size && question[at] != 0) {
            if (!name.empty()) name += '.';
            name.append(reinterpret_cast<const char*>(question + at + 1), question[at]);
            at += question[at] + 1U;
        }
        const unsigned type = static_cast<unsigned>(question[at + 1] << 8 | question[at + 2]);
        const std::size_t end = at + 5;
        {
            const std::lock_guard guard(mutex_);
            ++seen_[name];
        }
        const auto found = zone_.find(name);
        zone_entry entry;
        if (found != zone_.end()) entry = found->second;
        else entry.code = no_such_name;
        if (entry.silent) return {};
        if (type == 28 && found != zone_.end() && found->second.silent_asks > 0) {
            --found->second.silent_asks;
            return {};
        }
        *forge = entry.forged;
        const bool cut = entry.truncated && udp;
        bytes records;
        unsigned count = 0;
        const std::string owner = entry.alias.empty() ? name : entry.alias;
        const auto add = [&](const std::vector<std::string>& texts, int family, std::size_t length, unsigned of) {
            if (type != of || cut || entry.code != 0) return;
            if (!entry.alias.empty() && !texts.empty()) {
                bytes target;
                put_name(target, entry.alias);
                put_record(records, name, 5, entry.ttl, target);
                ++count;
            }
            for (const std::string& text : texts) {
                bytes data(length);
                ::inet_pton(family, text.c_str(), data.data());
                put_record(records, owner, of, entry.ttl, data);
                ++count;
            }
        };
        add(entry.v4, AF_INET, 4, 1);
        add(entry.v6, AF_INET6, 16, 28);
        if (type == 12 && !entry.pointer.empty()) {
            bytes target;
            put_name(target, entry.pointer);
            put_record(records, name, 12, entry.ttl, target);
            ++count;
        }
        bytes whole(question, question + 2);
        put16(whole, 0x8180U | (cut ? 0x0200U : 0U) | static_cast<unsigned>(entry.code));
        put16(whole, 1);
        put16(whole, count);
        put16(whole, 0);
        put16(whole, 0);
        whole.insert(whole.end(), question + 12, question + end);
        whole.insert(whole.end(), records.begin(), records.end());
        return whole;
    }

    void serve() {
        for (;;) {
            std::array<pollfd, 3> watched{{{stop_[0], POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}}};
            ::poll(watched.data(), watched.size(), -1);
            if (watched[0].revents != 0) return;
            if (watched[1].revents != 0) serve_udp();
            if (watched[2].revents != 0) serve_tcp();
        }
    }
    void serve_udp() {
        std::uint8_t question[512];
        sockaddr_in from{};
        socklen_t from_size = sizeof from;
        const ssize_t size = ::recvfrom(udp_, question, sizeof question, 0, address(from), &from_size);
        if (size <= 0) return;
        bool forge = false;
        bytes whole = answer(question, static_cast<std::size_t>(size), true, &forge);
        if (whole.empty()) return;
        if (forge) {
            bytes wrong = whole;
            wrong[0] ^= 0xffU;
            wrong.back() ^= 0xffU;
            ::sendto(udp_, wrong.data(), wrong.size(), 0, address(from), from_size);
        }
        ::sendto(udp_, whole.data(), whole.size(), 0, address(from), from_size);
    }
    // Both questions of a look-up come over one connection.
    void serve_tcp() {
        const int fd = ::accept(tcp_, nullptr, nullptr);
        std::uint8_t question[514];
        for (;;) {
            if (::recv(fd, question, 2, MSG_WAITALL) != 2) break;
            const std::size_t size = static_cast<std::size_t>(question[0] << 8 | question[1]);
            if (size > 512 || ::recv(fd, question + 2, size, MSG_WAITALL) != static_cast<ssize_t>(size)) break;
            bool forge = false;
            const bytes whole = answer(question + 2, size, false, &forge);
            bytes framed;
            put16(framed, static_cast<unsigned>(whole.size()));
            framed.insert(framed.end(), whole.begin(), whole.end());
            ++by_tcp_;
            if (::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) < 0) break;
        }
        ::close(fd);
    }

    std::map<std::string, zone_entry> zone_;  // after construction the serving thread's
    mutable std::mutex mutex_;
    std::map<std::string, int> seen_;
    std::atomic<int> by_tcp_{0};
    int tcp_ = -1, udp_ = -1;
    int stop_[2] = {-1, -1};
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace weft_test
