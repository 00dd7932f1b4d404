// What does a read of a warm file cost? Weft: as many coroutines as reads are to be under way, on one worker.
// SPDX-License-Identifier: MIT

#include <vector>

#include "io/file_reads/parameters.hpp"
#include "support/warm_file.hpp"
#include "support/weft.hpp"
#include "weft/fs/file.hpp"

namespace {

weft::task<> read(weft::fs::file& file, std::uint64_t blocks, bench::read_plan what, std::uint64_t reader) {
    std::vector<std::byte> buffer(what.block);
    bench::random_blocks order(reader, blocks);
    for (std::uint64_t i = 0; i < what.reads / what.depth; ++i) {
        const std::uint64_t block = order.next();
        const std::size_t n = co_await file.read_at(block * what.block, buffer);
        bench::check_block(block, n, buffer);
    }
}

weft::task<> read_all(std::string path, std::uint64_t blocks, bench::read_plan what, bool print) {
    weft::task<weft::fs::file> opening = weft::fs::file::open(std::move(path));
    weft::fs::file file = co_await std::move(opening);
    const bench::read_watch watch;
    std::vector<weft::task<>> readers;
    for (std::uint64_t i = 0; i < what.depth; ++i) readers.push_back(read(file, blocks, what, i));
    for (weft::task<>& each : readers) co_await each;
    if (print) watch.report(what.reads);
    co_await file.close();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_reads(
        argc, argv, bench::parameters::all, [](const bench::warm_file& file, const bench::read_plan& plan) {
            bench::weft_runtime runtime(1);
            plan.repeat([&](bool print) { runtime.run(read_all, file.path(), file.blocks(), plan, print); });
        });
}
