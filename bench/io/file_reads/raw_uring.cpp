// What does a read of a warm file cost? The limit of io_uring: a bare loop that submits what it has, and waits for an answer, in one call.
// SPDX-License-Identifier: MIT

#include <liburing.h>

#include <vector>

#include "io/file_reads/parameters.hpp"
#include "support/warm_file.hpp"

namespace {

struct reader {
    bench::random_blocks order;
    std::vector<std::byte> buffer;
    std::uint64_t block = 0;
};

class read_loop {
public:
    read_loop(const bench::warm_file& file, std::uint64_t block, std::uint64_t depth) : file_(file) {
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        if (const int error = io_uring_queue_init_params(static_cast<unsigned>(depth), &ring_, &parameters); error < 0) {
            throw std::system_error(-error, std::generic_category(), "set up io_uring");
        }
        io_uring_register_ring_fd(&ring_);
        for (std::uint64_t i = 0; i < depth; ++i) {
            readers_.push_back({bench::random_blocks(i, file.blocks()), std::vector<std::byte>(block)});
        }
    }

    read_loop(const read_loop&) = delete;
    read_loop& operator=(const read_loop&) = delete;
    ~read_loop() { io_uring_queue_exit(&ring_); }

    void run(std::uint64_t reads) {
        std::uint64_t begun = 0;
        for (; begun < reads && begun < readers_.size(); ++begun) begin(readers_[begun]);
        for (std::uint64_t done = 0; done < reads;) {
            io_uring_submit_and_wait(&ring_, 1);
            unsigned head = 0;
            unsigned seen = 0;
            io_uring_cqe* answer = nullptr;
            io_uring_for_each_cqe(&ring_, head, answer) {
                ++seen;
                reader& one = *static_cast<reader*>(io_uring_cqe_get_data(answer));
                bench::check_block(one.block, answer->res < 0 ? 0 : static_cast<std::size_t>(answer->res), one.buffer);
                if (begun < reads) {
                    ++begun;
                    begin(one);
                }
            }
            io_uring_cq_advance(&ring_, seen);
            done += seen;
        }
    }

private:
    void begin(reader& one) {
        one.block = one.order.next();
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);  // there are as many as readers
        io_uring_prep_read(sqe, file_.descriptor(), one.buffer.data(), static_cast<unsigned>(one.buffer.size()),
            one.block * one.buffer.size());
        io_uring_sqe_set_data(sqe, &one);
    }

    const bench::warm_file& file_;
    io_uring ring_{};
    std::vector<reader> readers_;
};

}  // namespace

int main(int argc, char** argv) {
    return bench::run_reads(
        argc, argv, bench::parameters::all, [](const bench::warm_file& file, const bench::read_plan& plan) {
            read_loop loop(file, plan.block, plan.depth);
            plan.repeat([&](bool print) {
                const bench::read_watch watch;
                loop.run(plan.reads);
                if (print) watch.report(plan.reads);
            });
        });
}
