// What does a read of a warm file cost? Asio, whose files need its io_uring back end: as many coroutines as reads are to be under way.
// SPDX-License-Identifier: MIT

#define BOOST_ASIO_HAS_IO_URING 1
#define BOOST_ASIO_DISABLE_EPOLL 1

#include <vector>

#include "io/file_reads/parameters.hpp"
#include "support/asio.hpp"
#include "support/warm_file.hpp"

namespace {

using random_access_file = bench::asio::basic_random_access_file<bench::executor>;

bench::awaitable<void> read(random_access_file& file, std::uint64_t blocks, bench::read_plan what, std::uint64_t reader) {
    std::vector<std::byte> buffer(what.block);
    bench::random_blocks order(reader, blocks);
    for (std::uint64_t i = 0; i < what.reads / what.depth; ++i) {
        const std::uint64_t block = order.next();
        const std::size_t n =
            co_await file.async_read_some_at(block * what.block, bench::asio::buffer(buffer), bench::asio::deferred);
        bench::check_block(block, n, buffer);
    }
}

bench::awaitable<void> read_all(
    bench::executor where, std::string path, std::uint64_t blocks, bench::read_plan what, bool print) {
    random_access_file file(where, path, bench::asio::file_base::read_only);
    const bench::read_watch watch;
    bench::asio_group readers(where);
    for (std::uint64_t i = 0; i < what.depth; ++i) readers.spawn(read(file, blocks, what, i));
    co_await readers.join();
    if (print) watch.report(what.reads);
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_reads(
        argc, argv, bench::parameters::all, [](const bench::warm_file& file, const bench::read_plan& plan) {
            bench::asio_runtime runtime(1);
            plan.repeat([&](bool print) {
                runtime.run(read_all(runtime.get_executor(), file.path(), file.blocks(), plan, print));
            });
        });
}
