// How fast does a server send datagrams back? The limit of io_uring: a bare loop, multishot receive into provided buffers.
// SPDX-License-Identifier: MIT

#include <liburing.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "io/udp_echo/parameters.hpp"
#include "support/harness.hpp"
#include "support/listener.hpp"

namespace {

void check(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

constexpr unsigned buffer_count = 256;
constexpr int buffer_group = 1;
constexpr std::uint64_t receiving = buffer_count;  // user data; less than that: the buffer whose answer was sent

class echo_loop {
public:
    echo_loop(int descriptor, std::size_t size)
        : descriptor_(descriptor),
          size_(static_cast<unsigned>(size + sizeof(io_uring_recvmsg_out) + sizeof(sockaddr_in))),
          answers_(buffer_count) {
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        check(io_uring_queue_init_params(1024, &ring_, &parameters), "set up io_uring");
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
        head_.msg_namelen = sizeof(sockaddr_in);
    }

    echo_loop(const echo_loop&) = delete;
    echo_loop& operator=(const echo_loop&) = delete;

    [[noreturn]] void run() {
        receive();
        for (;;) {
            io_uring_submit_and_wait(&ring_, 1);
            unsigned head = 0;
            unsigned seen = 0;
            io_uring_cqe* answer = nullptr;
            io_uring_for_each_cqe(&ring_, head, answer) {
                ++seen;
                if (answer->user_data == receiving) received(*answer);
                else give_back(static_cast<unsigned>(answer->user_data));
            }
            io_uring_cq_advance(&ring_, seen);
        }
    }

private:
    struct answer_message {
        msghdr head{};
        iovec part{};
    };

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

    void receive() {
        io_uring_sqe* sqe = entry();
        io_uring_prep_recvmsg_multishot(sqe, descriptor_, &head_, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = buffer_group;
        io_uring_sqe_set_data64(sqe, receiving);
    }

    void received(const io_uring_cqe& answer) {
        if (answer.res >= 0) {
            const unsigned id = answer.flags >> IORING_CQE_BUFFER_SHIFT;
            io_uring_recvmsg_out* out = io_uring_recvmsg_validate(buffer(id), answer.res, &head_);
            if (out == nullptr) throw std::runtime_error("a datagram did not fit into its buffer");
            answer_message& reply = answers_[id];
            reply.part = {io_uring_recvmsg_payload(out, &head_), io_uring_recvmsg_payload_length(out, answer.res, &head_)};
            reply.head.msg_name = io_uring_recvmsg_name(out);
            reply.head.msg_namelen = out->namelen;
            reply.head.msg_iov = &reply.part;
            reply.head.msg_iovlen = 1;
            io_uring_sqe* sqe = entry();
            io_uring_prep_sendmsg(sqe, descriptor_, &reply.head, 0);
            io_uring_sqe_set_data64(sqe, id);
        } else if (answer.res != -ENOBUFS) {
            check(answer.res, "receive");
        }
        if ((answer.flags & IORING_CQE_F_MORE) == 0) receive();
    }

    int descriptor_;
    unsigned size_;
    msghdr head_{};
    std::vector<answer_message> answers_;  // one a buffer
    io_uring ring_{};
    io_uring_buf_ring* buffers_ = nullptr;
    std::unique_ptr<char[]> pool_;
};

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    std::uint16_t port = 0;
    const int descriptor = bench::bind_on(SOCK_DGRAM, port);
    echo_loop loop(descriptor, arguments.number("buffer", bench::parameters::buffer));
    bench::ready(port);
    loop.run();
}
