// How fast does a TCP server send back what it gets? The limit of io_uring: a bare loop a thread, multishot accept and receive
// into provided buffers, no library beside liburing, no coroutines.
// SPDX-License-Identifier: MIT

#include <liburing.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>

#include "io/tcp_echo/parameters.hpp"
#include "support/harness.hpp"
#include "support/listener.hpp"

namespace {

constexpr unsigned buffer_count = 1024;
constexpr int buffer_group = 1;

enum class about : std::uint8_t { accepting, receiving, sending, closing };

// What an answer is about: user data of 8 bits, 16 of the buffer, 32 of the descriptor.
std::uint64_t user(about what, int descriptor, unsigned buffer = 0) {
    return static_cast<std::uint64_t>(what) | std::uint64_t{buffer} << 8 |
        std::uint64_t(static_cast<unsigned>(descriptor)) << 32;
}

void check(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

class echo_loop {
public:
    echo_loop(int listener, std::size_t size) : listener_(listener), size_(static_cast<unsigned>(size)) {
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
        parameters.cq_entries = 32'768;
        check(io_uring_queue_init_params(4096, &ring_, &parameters), "set up io_uring");
        io_uring_register_ring_fd(&ring_);
        void* memory = nullptr;
        if (posix_memalign(&memory, 4096, buffer_count * sizeof(io_uring_buf)) != 0) throw std::bad_alloc();
        buffers_ = static_cast<io_uring_buf_ring*>(memory);
        pool_.reset(new char[std::size_t{buffer_count} * size_]);
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
        registration.ring_entries = buffer_count;
        registration.bgid = buffer_group;
        check(io_uring_register_buf_ring(&ring_, &registration, 0), "register buffers");
        io_uring_buf_ring_init(buffers_);
        for (unsigned id = 0; id < buffer_count; ++id) give_back(id);
    }

    echo_loop(const echo_loop&) = delete;
    echo_loop& operator=(const echo_loop&) = delete;

    [[noreturn]] void run() {
        accept();
        for (;;) {
            io_uring_submit_and_wait(&ring_, 1);
            unsigned head = 0;
            unsigned seen = 0;
            io_uring_cqe* answer = nullptr;
            io_uring_for_each_cqe(&ring_, head, answer) {
                ++seen;
                handle(*answer);
            }
            io_uring_cq_advance(&ring_, seen);
        }
    }

private:
    io_uring_sqe* entry() {
        for (;;) {
            if (io_uring_sqe* free = io_uring_get_sqe(&ring_)) return free;
            io_uring_submit(&ring_);
        }
    }

    [[nodiscard]] char* buffer(unsigned id) { return pool_.get() + std::size_t{id} * size_; }

    void give_back(unsigned id) {
        io_uring_buf_ring_add(
            buffers_, buffer(id), size_, static_cast<unsigned short>(id), io_uring_buf_ring_mask(buffer_count), 0);
        io_uring_buf_ring_advance(buffers_, 1);
    }

    void accept() {
        io_uring_sqe* sqe = entry();
        io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        io_uring_sqe_set_data64(sqe, user(about::accepting, listener_));
    }

    void receive(int descriptor) {
        io_uring_sqe* sqe = entry();
        io_uring_prep_recv_multishot(sqe, descriptor, nullptr, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = buffer_group;
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
            case about::sending: give_back(static_cast<unsigned>(answer.user_data >> 8) & 0xffff); break;
            case about::closing: break;
        }
    }

    void received(const io_uring_cqe& answer, int descriptor) {
        if (answer.res > 0) {
            const unsigned id = answer.flags >> IORING_CQE_BUFFER_SHIFT;
            io_uring_sqe* sqe = entry();
            io_uring_prep_send(
                sqe, descriptor, buffer(id), static_cast<std::size_t>(answer.res), MSG_NOSIGNAL | MSG_WAITALL);
            io_uring_sqe_set_data64(sqe, user(about::sending, descriptor, id));
        } else if (answer.res != -ENOBUFS) {
            io_uring_sqe* sqe = entry();
            io_uring_prep_close(sqe, descriptor);
            io_uring_sqe_set_data64(sqe, user(about::closing, descriptor));
            return;
        }
        if ((answer.flags & IORING_CQE_F_MORE) == 0) receive(descriptor);
    }

    int listener_;
    unsigned size_;
    io_uring ring_{};
    io_uring_buf_ring* buffers_ = nullptr;
    std::unique_ptr<char[]> pool_;
};

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::serve_on_threads(arguments.number("threads", 1), 0, [size](int listener) { echo_loop(listener, size).run(); });
}
