// An echo of small messages on many connections, with one feature: feature=plain|fixed|ring_fd|multishot|poll_first|linked|set.
//   fixed       the connections are registered descriptors
//   ring_fd     the ring's own descriptor is registered
//   multishot   one receive a connection, into provided buffers
//   poll_first  each receive waits before it tries
//   linked      each receive has a linked timeout, which never comes
//   set         each receive has a time limit in an ordered set in the program, which never comes
// SPDX-License-Identifier: MIT

#include <sys/epoll.h>

#include <chrono>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "io/uring_features/features.hpp"

namespace {

constexpr unsigned message = 64;
constexpr unsigned buffer_size = 2048;
constexpr unsigned buffer_count = 256;
constexpr std::chrono::seconds limit(30);

enum class about : std::uint8_t { receiving, sending, timing };

std::uint64_t user(about what, unsigned connection, unsigned buffer = 0) {
    return static_cast<std::uint64_t>(what) | std::uint64_t{buffer} << 8 | std::uint64_t{connection} << 32;
}

class server {
public:
    server(std::string_view feature, std::vector<int> connections)
        : fixed_(feature == "fixed"),
          multishot_(feature == "multishot"),
          poll_first_(feature == "poll_first"),
          linked_(feature == "linked"),
          set_(feature == "set"),
          connections_(std::move(connections)),
          limits_of_(connections_.size()),
          own_(connections_.size() * buffer_size) {
        const auto count = static_cast<unsigned>(connections_.size());
        if (fixed_) bench::answered(io_uring_register_files(ring_.get(), connections_.data(), count), "register files");
        if (feature == "ring_fd") ring_.register_descriptor();
        if (multishot_) provided_.emplace(ring_, buffer_count, buffer_size);
        for (unsigned i = 0; i < count; ++i) receive(i);
    }

    double nanoseconds_an_exchange(std::uint64_t exchanges) {
        for (done_ = 0; done_ < exchanges / 10;) serve();
        done_ = 0;
        const double before = features::processor_time(CLOCK_THREAD_CPUTIME_ID);
        while (done_ < exchanges) serve();
        return (features::processor_time(CLOCK_THREAD_CPUTIME_ID) - before) / static_cast<double>(done_);
    }

private:
    void serve() {
        ring_.serve([this](const io_uring_cqe& answer) { handle(answer); });
    }

    [[nodiscard]] char* buffer(unsigned id) {
        return multishot_ ? provided_->buffer(id) : own_.data() + std::size_t{id} * buffer_size;
    }
    [[nodiscard]] int target(unsigned connection) const {
        return fixed_ ? static_cast<int>(connection) : connections_[connection];
    }
    void finish(io_uring_sqe* entry, std::uint64_t what) const {
        if (fixed_) entry->flags |= IOSQE_FIXED_FILE;
        io_uring_sqe_set_data64(entry, what);
    }

    void receive(unsigned connection) {
        // Both or none: a link ends with its batch.
        if (linked_ && io_uring_sq_space_left(ring_.get()) < 2) ring_.submit();
        io_uring_sqe* entry = ring_.entry();
        if (multishot_) {
            io_uring_prep_recv_multishot(entry, target(connection), nullptr, 0, 0);
            bench::provided_buffers::choose_for(entry);
        } else {
            io_uring_prep_recv(entry, target(connection), buffer(connection), buffer_size, 0);
        }
        if (poll_first_) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
        if (linked_) entry->flags |= IOSQE_IO_LINK;
        finish(entry, user(about::receiving, connection));
        if (linked_) {
            io_uring_sqe* timeout = ring_.entry();
            io_uring_prep_link_timeout(timeout, &linked_limit_, 0);
            io_uring_sqe_set_data64(timeout, user(about::timing, connection));
        }
        if (set_) limits_of_[connection] = limits_.emplace(bench::clock::now() + limit, connection).first;
    }

    void send(unsigned connection, unsigned id, int length) {
        io_uring_sqe* entry = ring_.entry();
        io_uring_prep_send(
            entry, target(connection), buffer(id), static_cast<std::size_t>(length), MSG_NOSIGNAL | MSG_WAITALL);
        finish(entry, user(about::sending, connection, id));
    }

    void handle(const io_uring_cqe& answer) {
        const auto connection = static_cast<unsigned>(answer.user_data >> 32);
        switch (static_cast<about>(answer.user_data & 0xff)) {
            case about::receiving:
                if (answer.res == -ENOBUFS) return receive(connection);
                if (bench::answered(answer.res, "receive") == 0) throw std::runtime_error("the client has gone");
                if (set_) limits_.erase(limits_of_[connection]);
                send(connection, multishot_ ? bench::provided_buffers::chosen_by(answer) : connection, answer.res);
                if (multishot_ && (answer.flags & IORING_CQE_F_MORE) == 0) receive(connection);
                break;
            case about::sending:
                bench::answered(answer.res, "send");
                ++done_;
                if (multishot_) provided_->give_back(static_cast<unsigned>(answer.user_data >> 8) & 0xffff);
                else receive(connection);
                break;
            case about::timing: break;
        }
    }

    bool fixed_;
    bool multishot_;
    bool poll_first_;
    bool linked_;
    bool set_;
    std::vector<int> connections_;
    __kernel_timespec linked_limit_{limit.count(), 0};
    std::set<std::pair<bench::clock::time_point, unsigned>> limits_;
    std::vector<std::set<std::pair<bench::clock::time_point, unsigned>>::iterator> limits_of_;
    std::vector<char> own_;  // a buffer for each connection
    features::driver_ring ring_;
    std::optional<bench::provided_buffers> provided_;
    std::uint64_t done_ = 0;
};

/// Sends on every connection, and again whenever the answer has come. Its processor time does not count.
void ask(const std::stop_token& stop, const std::vector<int>& connections, unsigned core) {
    features::stay_on_core(core);
    const int set = bench::called(epoll_create1(EPOLL_CLOEXEC), "make an epoll set");
    char bytes[message] = {};
    for (const int connection : connections) {
        epoll_event interest{};
        interest.events = EPOLLIN;
        interest.data.fd = connection;
        bench::called(epoll_ctl(set, EPOLL_CTL_ADD, connection, &interest), "watch a connection");
        bench::called(static_cast<int>(::send(connection, bytes, sizeof bytes, MSG_NOSIGNAL)), "send");
    }
    epoll_event events[64];
    while (!stop.stop_requested()) {
        const int count = epoll_wait(set, events, 64, 100);
        for (int i = 0; i < count; ++i) {
            // 64 bytes of the loopback come in one piece.
            if (::recv(events[i].data.fd, bytes, sizeof bytes, 0) <= 0) return;
            if (::send(events[i].data.fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0) return;
        }
    }
    close(set);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    std::uint16_t port = 0;
    const int listener = bench::listen_on(port, 0, false);
    std::vector<int> clients;
    std::vector<int> accepted;
    for (std::uint64_t i = 0; i < arguments.number("connections", 64); ++i) {
        clients.push_back(bench::connect_to(SOCK_STREAM, port));
        accepted.push_back(features::accept_from(listener));
    }
    features::stay_on_core(1);
    server serving(arguments.text("feature", "plain"), accepted);
    const unsigned core = features::core_of_the_other(arguments);
    const std::jthread asking([&clients, core](const std::stop_token& stop) { ask(stop, clients, core); });
    bench::report("processor_time", "ns", serving.nanoseconds_an_exchange(arguments.number("operations", 200'000)));
}
