// How fast does a server send datagrams back? The limit of io_uring: a bare loop, multishot receive into provided buffers.
// SPDX-License-Identifier: MIT

#include <stdexcept>
#include <vector>

#include "io/udp_echo/parameters.hpp"
#include "support/bare_ring.hpp"
#include "support/harness.hpp"
#include "support/sockets.hpp"

namespace {

constexpr unsigned buffer_count = 256;
constexpr std::uint64_t receiving = buffer_count;  // user data; less than that: the buffer whose answer was sent

class echo_loop {
public:
    echo_loop(int descriptor, std::size_t size)
        : descriptor_(descriptor),
          answers_(buffer_count),
          buffers_(ring_, buffer_count, size + sizeof(io_uring_recvmsg_out) + sizeof(sockaddr_in)) {
        ring_.register_descriptor();
        head_.msg_namelen = sizeof(sockaddr_in);
    }

    [[noreturn]] void run() {
        receive();
        for (;;) {
            ring_.submit_and_wait(1);
            ring_.for_each_answer([this](const io_uring_cqe& answer) {
                if (answer.user_data == receiving) received(answer);
                else buffers_.give_back(static_cast<unsigned>(answer.user_data));
            });
        }
    }

private:
    struct answer_message {
        msghdr head{};
        iovec part{};
    };

    void receive() {
        io_uring_sqe* sqe = ring_.entry();
        io_uring_prep_recvmsg_multishot(sqe, descriptor_, &head_, 0);
        bench::provided_buffers::choose_for(sqe);
        io_uring_sqe_set_data64(sqe, receiving);
    }

    void received(const io_uring_cqe& answer) {
        if (answer.res >= 0) {
            const unsigned id = bench::provided_buffers::chosen_by(answer);
            io_uring_recvmsg_out* out = io_uring_recvmsg_validate(buffers_.buffer(id), answer.res, &head_);
            if (out == nullptr) throw std::runtime_error("a datagram did not fit into its buffer");
            answer_message& reply = answers_[id];
            reply.part = {io_uring_recvmsg_payload(out, &head_), io_uring_recvmsg_payload_length(out, answer.res, &head_)};
            reply.head.msg_name = io_uring_recvmsg_name(out);
            reply.head.msg_namelen = out->namelen;
            reply.head.msg_iov = &reply.part;
            reply.head.msg_iovlen = 1;
            io_uring_sqe* sqe = ring_.entry();
            io_uring_prep_sendmsg(sqe, descriptor_, &reply.head, 0);
            io_uring_sqe_set_data64(sqe, id);
        } else if (answer.res != -ENOBUFS) {
            bench::answered(answer.res, "receive");
        }
        if ((answer.flags & IORING_CQE_F_MORE) == 0) receive();
    }

    int descriptor_;
    msghdr head_{};
    std::vector<answer_message> answers_;  // one a buffer
    bench::bare_ring ring_{bench::one_thread, 1024};
    bench::provided_buffers buffers_;
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
