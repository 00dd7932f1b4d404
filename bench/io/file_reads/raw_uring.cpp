// What does a read of a warm file cost? The limit of io_uring: a bare loop that submits what it has, and waits for an answer, in one call.
// SPDX-License-Identifier: MIT

#include <vector>

#include "io/file_reads/parameters.hpp"
#include "support/bare_ring.hpp"
#include "support/warm_file.hpp"

namespace {

struct reader {
    bench::random_blocks order;
    std::vector<std::byte> buffer;
    std::uint64_t block = 0;
};

class read_loop {
public:
    read_loop(const bench::warm_file& file, std::uint64_t block, std::uint64_t depth)
        : file_(file), ring_(bench::one_thread, static_cast<unsigned>(depth)) {
        ring_.register_descriptor();
        for (std::uint64_t i = 0; i < depth; ++i) {
            readers_.push_back({bench::random_blocks(i, file.blocks()), std::vector<std::byte>(block)});
        }
    }

    void run(std::uint64_t reads) {
        std::uint64_t begun = 0;
        for (; begun < reads && begun < readers_.size(); ++begun) begin(readers_[begun]);
        for (std::uint64_t done = 0; done < reads;) {
            ring_.submit_and_wait(1);
            done += ring_.for_each_answer([this, &begun, reads](const io_uring_cqe& answer) {
                reader& one = *static_cast<reader*>(io_uring_cqe_get_data(&answer));
                bench::check_block(one.block, answer.res < 0 ? 0 : static_cast<std::size_t>(answer.res), one.buffer);
                if (begun < reads) {
                    ++begun;
                    begin(one);
                }
            });
        }
    }

private:
    void begin(reader& one) {
        one.block = one.order.next();
        io_uring_sqe* sqe = ring_.entry();  // there are as many as readers
        io_uring_prep_read(sqe, file_.descriptor(), one.buffer.data(), static_cast<unsigned>(one.buffer.size()),
            one.block * one.buffer.size());
        io_uring_sqe_set_data(sqe, &one);
    }

    const bench::warm_file& file_;
    bench::bare_ring ring_;
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
