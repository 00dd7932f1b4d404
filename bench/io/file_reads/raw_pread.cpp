// What does a read of a warm file cost? The limit of the blocking call: pread(2) in a loop, on the program's one thread.
// SPDX-License-Identifier: MIT

#include <unistd.h>

#include <vector>

#include "io/file_reads/parameters.hpp"
#include "support/warm_file.hpp"

namespace {

void read(const bench::warm_file& file, const bench::read_plan& plan) {
    std::vector<std::byte> buffer(plan.block);
    bench::random_blocks order(0, file.blocks());
    for (std::uint64_t i = 0; i < plan.reads; ++i) {
        const std::uint64_t block = order.next();
        const ssize_t n = ::pread(file.descriptor(), buffer.data(), plan.block, static_cast<off_t>(block * plan.block));
        bench::check_block(block, n < 0 ? 0 : static_cast<std::size_t>(n), buffer);
    }
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_reads(
        argc, argv, bench::parameters::all, [](const bench::warm_file& file, const bench::read_plan& plan) {
            plan.repeat([&](bool print) {
                const bench::read_watch watch;
                read(file, plan);
                if (print) watch.report(plan.reads);
            });
        });
}
