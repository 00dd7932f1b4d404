// Accepting bursts of connections that are closed at once, with one feature: feature=single|multishot|poll_first|hint|try.
//   single      one entry an accept
//   multishot   one entry for all of them
//   poll_first  one entry an accept, which waits before it tries (Linux 6.10)
//   hint        the same, but not after an answer that says that more connections wait
//   try         accept4(2) until it would wait, then one entry
// SPDX-License-Identifier: MIT

#include <fcntl.h>

#include <stop_token>
#include <thread>
#include <vector>

#include "io/uring_features/features.hpp"

namespace {

constexpr unsigned accept_poll_first = 1U << 2;  // liburing 2.3 does not know it

class server {
public:
    server(std::string_view feature, int listener)
        : listener_(listener),
          multishot_(feature == "multishot"),
          poll_first_(feature == "poll_first" || feature == "hint"),
          hint_(feature == "hint"),
          try_(feature == "try") {
        accept(false);
    }

    double nanoseconds_an_accept(std::uint64_t accepts) {
        while (done_ < accepts / 10) serve();
        done_ = 0;
        const double before = features::processor_time(CLOCK_THREAD_CPUTIME_ID);
        while (done_ < accepts) serve();
        return (features::processor_time(CLOCK_THREAD_CPUTIME_ID) - before) / static_cast<double>(done_);
    }

private:
    void accept(bool more_wait) {
        io_uring_sqe* entry = ring_.entry();
        constexpr int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
        if (multishot_) io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, flags);
        else io_uring_prep_accept(entry, listener_, nullptr, nullptr, flags);
        if (poll_first_ && !(hint_ && more_wait)) entry->ioprio |= accept_poll_first;
    }

    void take(int descriptor) {
        close(bench::answered(descriptor, "accept"));
        ++done_;
    }

    void serve() {
        ring_.serve([this](const io_uring_cqe& answer) {
            take(answer.res);
            while (try_) {
                const int next = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (next < 0) break;
                take(next);
            }
            if ((answer.flags & IORING_CQE_F_MORE) == 0) accept((answer.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0);
        });
    }

    int listener_;
    bool multishot_;
    bool poll_first_;
    bool hint_;
    bool try_;
    features::driver_ring ring_;
    std::uint64_t done_ = 0;
};

/// Connects so many times, waits until the server has closed them all, and again.
void storm(const std::stop_token& stop, std::uint16_t port, std::uint64_t burst, unsigned core) {
    features::stay_on_core(core);
    const sockaddr_in address = bench::loopback(port);
    std::vector<int> connections;
    while (!stop.stop_requested()) {
        for (std::uint64_t i = 0; i < burst; ++i) {
            const int connection = bench::called(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket");
            // Reset already, perhaps: then it was accepted all the same.
            const int result = connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address);
            if (result != 0 && errno != ECONNRESET) bench::called(result, "connect");
            connections.push_back(connection);
        }
        for (const int connection : connections) {
            char byte = 0;
            static_cast<void>(::recv(connection, &byte, 1, 0));
            close(connection);
        }
        connections.clear();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    std::uint16_t port = 0;
    const int listener = bench::listen_on(port, 0, false);
    // Accepted sockets inherit it: closing one resets the connection, so no port waits for two minutes.
    const linger at_once{1, 0};
    setsockopt(listener, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    // As ours are; a try would wait otherwise.
    bench::called(fcntl(listener, F_SETFL, O_NONBLOCK), "make the listener non-blocking");
    features::stay_on_core(1);
    server serving(arguments.text("feature", "single"), listener);
    const std::uint64_t burst = arguments.number("burst", 16);
    const unsigned core = features::core_of_the_other(arguments);
    const std::jthread storming([port, burst, core](const std::stop_token& stop) { storm(stop, port, burst, core); });
    bench::report("processor_time", "ns", serving.nanoseconds_an_accept(arguments.number("operations", 40'000)));
    std::fflush(stdout);
    // The client may wait for a server that serves no more.
    _exit(0);
}
