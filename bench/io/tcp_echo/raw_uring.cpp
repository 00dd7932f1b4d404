// How fast does a TCP server send back what it gets? The limit of io_uring: a bare loop a thread, multishot accept and receive
// into provided buffers, no library beside liburing, no coroutines.
// SPDX-License-Identifier: MIT

#include "io/tcp_echo/parameters.hpp"
#include "support/bare_ring.hpp"
#include "support/harness.hpp"
#include "support/sockets.hpp"

namespace {

constexpr unsigned buffer_count = 1024;

enum class about : std::uint8_t { accepting, receiving, sending, closing };

// What an answer is about: user data of 8 bits, 16 of the buffer, 32 of the descriptor.
std::uint64_t user(about what, int descriptor, unsigned buffer = 0) {
    return static_cast<std::uint64_t>(what) | std::uint64_t{buffer} << 8 |
        std::uint64_t(static_cast<unsigned>(descriptor)) << 32;
}

class echo_loop {
public:
    echo_loop(int listener, std::size_t size) : listener_(listener), buffers_(ring_, buffer_count, size) {
        ring_.register_descriptor();
    }

    [[noreturn]] void run() {
        accept();
        for (;;) {
            ring_.submit_and_wait(1);
            ring_.for_each_answer([this](const io_uring_cqe& answer) { handle(answer); });
        }
    }

private:
    void accept() {
        io_uring_sqe* sqe = ring_.entry();
        io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        io_uring_sqe_set_data64(sqe, user(about::accepting, listener_));
    }

    void receive(int descriptor) {
        io_uring_sqe* sqe = ring_.entry();
        io_uring_prep_recv_multishot(sqe, descriptor, nullptr, 0, 0);
        bench::provided_buffers::choose_for(sqe);
        io_uring_sqe_set_data64(sqe, user(about::receiving, descriptor));
    }

    void handle(const io_uring_cqe& answer) {
        const auto what = static_cast<about>(answer.user_data & 0xff);
        const auto descriptor = static_cast<int>(answer.user_data >> 32);
        switch (what) {
            case about::accepting:
                if (answer.res >= 0) {
                    bench::no_delay(answer.res);
                    receive(answer.res);
                }
                if ((answer.flags & IORING_CQE_F_MORE) == 0) accept();
                break;
            case about::receiving: received(answer, descriptor); break;
            case about::sending: buffers_.give_back(static_cast<unsigned>(answer.user_data >> 8) & 0xffff); break;
            case about::closing: break;
        }
    }

    void received(const io_uring_cqe& answer, int descriptor) {
        if (answer.res > 0) {
            const unsigned id = bench::provided_buffers::chosen_by(answer);
            io_uring_sqe* sqe = ring_.entry();
            io_uring_prep_send(
                sqe, descriptor, buffers_.buffer(id), static_cast<std::size_t>(answer.res), MSG_NOSIGNAL | MSG_WAITALL);
            io_uring_sqe_set_data64(sqe, user(about::sending, descriptor, id));
        } else if (answer.res != -ENOBUFS) {
            io_uring_sqe* sqe = ring_.entry();
            io_uring_prep_close(sqe, descriptor);
            io_uring_sqe_set_data64(sqe, user(about::closing, descriptor));
            return;
        }
        if ((answer.flags & IORING_CQE_F_MORE) == 0) receive(descriptor);
    }

    int listener_;
    bench::bare_ring ring_{bench::one_thread, 4096, 32'768};
    bench::provided_buffers buffers_;
};

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::serve_on_threads(arguments.number("threads", 1), 0, [size](int listener) { echo_loop(listener, size).run(); });
}
