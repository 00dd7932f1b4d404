#pragma once
// bench/support/load/udp.hpp: the load of a server that echoes datagrams. A window of datagrams is under way; each answer makes room for
// the next. One socket, many datagrams a call, so that the generator is not what is measured.
// SPDX-License-Identifier: MIT

#include <cstring>

#include "support/load/counts.hpp"
#include "support/sockets.hpp"

namespace bench {

class udp_generator {
public:
    udp_generator(std::size_t window, std::size_t size) : slots_(window), size_(size) {
        if (window == 0 || window > 4096) throw std::invalid_argument("window= is from 1 to 4096");
        if (size < sizeof(std::uint64_t) || size > 65'507) throw std::invalid_argument("message= is from 8 to 65507");
        const std::size_t batch = std::min<std::size_t>(window, 64);
        for (messages* each : {&in_, &out_}) each->resize(batch, size + 1);
        out_.fill('x');
    }

    udp_generator(const udp_generator&) = delete;
    udp_generator& operator=(const udp_generator&) = delete;
    ~udp_generator() { ::close(descriptor_); }

    void connect(std::uint16_t port) {
        descriptor_ = connect_to(SOCK_DGRAM, port);
        const timeval limit{0, lost_after / std::chrono::microseconds(1)};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }

    void run(std::chrono::milliseconds duration) {
        auto now = clock::now();
        counted_time time(now, duration);
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            slots_[i].sequence = i;
            send_later(i, now);
        }
        flush();
        swept_ = now;
        while (!time.is_over(now)) {
            const int received = ::recvmmsg(descriptor_, in_.heads.data(), in_.count(), MSG_WAITFORONE, nullptr);
            if (received < 0 && errno != EAGAIN && errno != EINTR) fail(errno, "receive from the server");
            now = clock::now();
            if (time.begins(now)) counts_.start();
            for (int i = 0; i < received; ++i) take(static_cast<std::size_t>(i), now);
            if (now - swept_ > lost_after) sweep(now);
            flush();
        }
        if (lost_ != 0) report("lost", "1", static_cast<double>(lost_));
        counts_.print("datagrams", time.start(), now);
    }

private:
    // Datagrams may be lost, so nobody waits for one longer than this.
    static constexpr std::chrono::microseconds lost_after{200'000};

    /// What recvmmsg and sendmmsg take.
    struct messages {
        std::vector<mmsghdr> heads;
        std::vector<iovec> parts;
        std::vector<char> bytes;

        void resize(std::size_t count, std::size_t size) {
            heads.resize(count);
            parts.resize(count);
            bytes.resize(count * size);
            for (std::size_t i = 0; i < count; ++i) {
                parts[i] = {bytes.data() + i * size, size};
                heads[i].msg_hdr.msg_iov = &parts[i];
                heads[i].msg_hdr.msg_iovlen = 1;
            }
        }
        void fill(char with) { std::fill(bytes.begin(), bytes.end(), with); }
        [[nodiscard]] unsigned count() const { return static_cast<unsigned>(heads.size()); }
        [[nodiscard]] char* at(std::size_t i) { return static_cast<char*>(parts[i].iov_base); }
    };

    /// A place in the window, for the datagrams whose number leaves its index when divided by the window.
    struct slot {
        std::uint64_t sequence = 0;
        clock::time_point sent;
    };

    void send_later(std::size_t i, clock::time_point now) {
        slots_[i].sent = now;
        std::memcpy(out_.at(waiting_), &slots_[i].sequence, sizeof slots_[i].sequence);
        out_.parts[waiting_].iov_len = size_;
        if (++waiting_ == out_.count()) flush();
    }

    void flush() {
        for (unsigned done = 0; done < waiting_;) {
            const int sent = ::sendmmsg(descriptor_, out_.heads.data() + done, waiting_ - done, 0);
            if (sent < 0) fail(errno, "send to the server");
            done += static_cast<unsigned>(sent);
        }
        waiting_ = 0;
    }

    // An answer that comes after its datagram was given up is no answer.
    void take(std::size_t i, clock::time_point now) {
        std::uint64_t sequence = 0;
        std::memcpy(&sequence, in_.at(i), sizeof sequence);
        const bool right = in_.heads[i].msg_len == size_ &&
            std::memcmp(in_.at(i) + sizeof sequence, out_.at(0) + sizeof sequence, size_ - sizeof sequence) == 0;
        if (!right) throw std::runtime_error("the server echoed another datagram than was sent");
        slot& one = slots_[sequence % slots_.size()];
        if (one.sequence != sequence) return;
        counts_.answer(one.sent, now);
        one.sequence += slots_.size();
        send_later(sequence % slots_.size(), now);
    }

    void sweep(clock::time_point now) {
        swept_ = now;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (now - slots_[i].sent < lost_after) continue;
            ++lost_;
            slots_[i].sequence += slots_.size();
            send_later(i, now);
        }
    }

    std::vector<slot> slots_;
    std::size_t size_;
    messages in_;
    messages out_;
    unsigned waiting_ = 0;  // in out_
    int descriptor_ = -1;
    clock::time_point swept_;
    std::uint64_t lost_ = 0;
    counts counts_;
};

}  // namespace bench
