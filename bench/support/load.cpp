// bench/support/load.cpp: a load generator for the server questions, cheap enough to outrun the servers from one core.
//
//   load echo port=P connections=N message=BYTES milliseconds=MS
//   load idle port=P connections=N message=BYTES milliseconds=MS     all silent for so long, then one message on each in turn
//   load http port=P connections=N depth=D path=/x body=TEXT milliseconds=MS
//   load udp  port=P window=N message=BYTES milliseconds=MS          N datagrams under way (load/udp.hpp)
//   load tls  port=P connections=N message=BYTES milliseconds=MS     echo over TLS 1.3 (load/tls.hpp), where OpenSSL is
//
// TCP: one thread on io_uring with multishot receives into provided buffers. Each connection sends a message (or D pipelined
// requests), waits for the whole answer and sends again. The first answer of each connection is checked byte for byte
// (echo) or by status and body (http, whose length it then takes as constant); afterwards bytes are only counted.
// SPDX-License-Identifier: MIT

#include <sys/resource.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "support/bare_ring.hpp"
#include "support/harness.hpp"
#include "support/load/counts.hpp"
#include "support/load/udp.hpp"
#include "support/sockets.hpp"
#if __has_include(<openssl/ssl.h>)
#include "support/load/tls.hpp"
#endif

namespace {

constexpr unsigned buffer_count = 4096;
constexpr unsigned buffer_size = 8192;

struct connection {
    int descriptor = -1;
    std::size_t answer_length = 0;  // of the whole answer; 0 until it is known
    std::size_t received = 0;
    std::string first;
    bench::clock::time_point sent;
};

using bench::fail;

class generator {
public:
    generator(std::string request, std::string body, bool http, std::size_t depth)
        : body_(std::move(body)), http_(http), depth_(depth) {
        for (std::size_t i = 0; i < depth; ++i) request_ += request;
        ring_.register_descriptor();
    }

    generator(const generator&) = delete;
    generator& operator=(const generator&) = delete;

    void connect_all(std::size_t count, std::uint16_t port) {
        connections_.resize(count);
        for (connection& one : connections_) one.descriptor = bench::connect_to(SOCK_STREAM, port);
    }

    /// Everybody waits, and then each is spoken to once. No ring: one at a time.
    void run_idle(std::chrono::milliseconds silence) {
        std::this_thread::sleep_for(silence);
        std::string heard(request_.size(), '\0');
        const auto start = bench::clock::now();
        for (connection& one : connections_) {
            const auto sent = bench::clock::now();
            if (::send(one.descriptor, request_.data(), request_.size(), MSG_NOSIGNAL) < 0)
                fail(errno, "send to the server");
            if (::recv(one.descriptor, heard.data(), heard.size(), MSG_WAITALL) != static_cast<ssize_t>(heard.size()) ||
                heard != request_) {
                throw std::runtime_error("the server echoed other bytes than were sent");
            }
            counts_.answer(sent, bench::clock::now());
        }
        counts_.print("requests", start, bench::clock::now());
        hang_up();
    }

    void run(std::chrono::milliseconds duration) {
        const auto begin = bench::clock::now();
        bench::counted_time time(begin, duration);
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            receive(i);
            send(i, begin);
        }
        auto now = begin;
        while (!time.is_over(now)) {
            ring_.submit_and_wait(1);
            now = bench::clock::now();
            if (time.begins(now)) counts_.start();
            harvest(now);
        }
        counts_.print("requests", time.start(), now);
    }

private:
    // A few at a time: at the end of this process all connections would end at once, and a server that takes a buffer to read the end would
    // take one for each. Its most memory is what is measured, and that is another question.
    void hang_up() {
        constexpr std::size_t at_once = 16;
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            ::close(connections_[i].descriptor);
            if (i % at_once == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    void receive(std::size_t i) {
        io_uring_sqe* sqe = ring_.entry();
        io_uring_prep_recv_multishot(sqe, connections_[i].descriptor, nullptr, 0, 0);
        bench::provided_buffers::choose_for(sqe);
        io_uring_sqe_set_data64(sqe, i + 1);
    }

    void send(std::size_t i, bench::clock::time_point now) {
        connections_[i].sent = now;
        io_uring_sqe* sqe = ring_.entry();
        io_uring_prep_send(sqe, connections_[i].descriptor, request_.data(), request_.size(), MSG_NOSIGNAL);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        io_uring_sqe_set_data64(sqe, 0);
    }

    void harvest(bench::clock::time_point now) {
        ring_.for_each_answer([this, now](const io_uring_cqe& answer) {
            if (answer.user_data == 0) fail(-answer.res, "send to the server");
            const std::size_t i = answer.user_data - 1;
            if (answer.res == -ENOBUFS) return receive(i);
            bench::answered(answer.res, "receive from the server");
            if (answer.res == 0) throw std::runtime_error("the server closed a connection");
            const unsigned id = bench::provided_buffers::chosen_by(answer);
            take(i, std::string_view(buffers_.buffer(id), static_cast<std::size_t>(answer.res)), now);
            buffers_.give_back_later(id);
            if ((answer.flags & IORING_CQE_F_MORE) == 0) receive(i);
        });
        buffers_.publish();
    }

    void take(std::size_t i, std::string_view bytes, bench::clock::time_point now) {
        connection& one = connections_[i];
        one.received += bytes.size();
        if (one.answer_length == 0) {
            one.first += bytes;
            check_first(one);
        }
        if (one.answer_length == 0 || one.received < one.answer_length) return;
        one.received -= one.answer_length;
        counts_.answer(one.sent, now, depth_);
        send(i, now);
    }

    // Sets answer_length once the first answer is complete and right.
    void check_first(connection& one) const {
        if (!http_) {
            if (one.first.size() < request_.size()) return;
            if (one.first != request_) throw std::runtime_error("the server echoed other bytes than were sent");
            one.answer_length = request_.size();
            return;
        }
        const std::size_t end = one.first.find("\r\n\r\n");
        if (end == std::string::npos) return;
        std::string head = one.first.substr(0, end);
        for (char& c : head) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        if (!head.starts_with("http/1.1 200")) throw std::runtime_error("status is not 200: " + head);
        const std::size_t field = head.find("\r\ncontent-length:");
        if (field == std::string::npos) throw std::runtime_error("the answer has no content-length: " + head);
        const std::size_t length = end + 4 + std::stoul(head.substr(field + 17));
        if (one.first.size() < length) return;
        if (one.first.substr(end + 4, length - end - 4) != body_) {
            throw std::runtime_error("the answer has another body: " + one.first.substr(0, length));
        }
        one.answer_length = length * depth_;
    }

    bench::bare_ring ring_{bench::one_thread, 4096, 32'768};
    bench::provided_buffers buffers_{ring_, buffer_count, buffer_size};
    std::vector<connection> connections_;
    bench::counts counts_;
    std::string request_;
    std::string body_;
    bool http_;
    std::size_t depth_;
};

// As many descriptors as an ordinary user may have.
void raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void run_tls([[maybe_unused]] const bench::arguments& arguments, [[maybe_unused]] std::uint16_t port) {
#if __has_include(<openssl/ssl.h>)
    bench::tls_generator load(arguments.number("message", 64));
    load.connect_all(arguments.number("connections", 1), port);
    load.run(std::chrono::milliseconds(arguments.number("milliseconds", 1000)));
#else
    throw std::runtime_error("the load generator was built without OpenSSL (libssl-dev)");
#endif
}

void run(std::string_view mode, int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto port = static_cast<std::uint16_t>(arguments.number("port", 0));
    const std::chrono::milliseconds duration(arguments.number("milliseconds", 1000));
    if (mode == "tls") return run_tls(arguments, port);
    if (mode == "udp") {
        bench::udp_generator load(arguments.number("window", 1), arguments.number("message", 64));
        load.connect(port);
        return load.run(duration);
    }
    const bool http = mode == "http";
    std::string request(arguments.number("message", 64), 'x');
    if (http) request = "GET " + std::string(arguments.text("path", "/")) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    generator load(std::move(request), std::string(arguments.text("body", "")), http, arguments.number("depth", 1));
    load.connect_all(arguments.number("connections", 1), port);
    if (mode == "idle") load.run_idle(duration);
    else load.run(duration);
}

}  // namespace

int main(int argc, char** argv) {
    raise_descriptor_limit();
    const std::string_view mode = argc > 1 ? argv[1] : "";
    constexpr std::string_view modes[] = {"echo", "idle", "http", "udp", "tls"};
    if (std::find(std::begin(modes), std::end(modes), mode) == std::end(modes)) {
        std::fprintf(stderr, "usage: load echo|idle|http|udp|tls port=P connections=N ... (see the head of load.cpp)\n");
        return 2;
    }
    try {
        run(mode, argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}
