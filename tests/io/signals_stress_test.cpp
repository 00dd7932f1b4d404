// tests/io/signals_stress_test.cpp: signals that interrupt system calls are never seen by those who asked for files.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include <sys/types.h>
#include <unistd.h>

#include "folder.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/fs/watcher.hpp"

namespace {

using namespace weft;
using namespace weft_test;

class signals : public folder_test {};

task<> change_sizes(std::string path) {
    fs::file both = co_await fs::file::open(std::move(path), fs::open_mode::read | fs::open_mode::write);
    co_await both.truncate(100);
    co_await both.allocate(100'000);
    const std::string text = "text";
    const std::array<std::span<const std::byte>, 2> parts{std::as_bytes(std::span(text)), std::as_bytes(std::span(text))};
    co_await both.write_vectored(parts);
    std::array<std::byte, 8> buffer{};
    const std::array<std::span<std::byte>, 1> room{std::span<std::byte>(buffer)};
    const std::size_t count = co_await both.read_vectored_at(0, room);
    EXPECT_EQ(count, 8U);
    co_await both.close();
}

task<> use_files(std::string folder, int rounds) {
    const std::string first = folder + "/first", second = folder + "/second", below = folder + "/below";
    const std::string text(200'000, 'x');
    fs::enumeration_options everywhere;
    everywhere.recurse = true;
    fs::copy_options over;
    over.overwrite = over.sync = true;
    for (int round = 0; round < rounds; ++round) {
        co_await fs::replace_all_text(first, text);
        const std::uint64_t count = co_await fs::copy(first, second, over);
        EXPECT_EQ(count, text.size());
        co_await fs::create_directories(below);
        const std::vector<fs::directory_entry> found = co_await fs::enumerate(folder, everywhere).to_vector();
        EXPECT_EQ(found.size(), 3U);
        const std::string back = co_await fs::read_all_text(second);
        EXPECT_EQ(back.size(), text.size());
        const std::string link = below + "/link", other = below + "/other";
        co_await fs::create_symbolic_link(first, link);
        const std::string leads = co_await fs::read_link(link);
        EXPECT_EQ(leads, first);
        co_await fs::create_hard_link(first, other);
        co_await change_sizes(other);
        fs::watcher watching = co_await fs::watcher::open(folder);
        co_await watching.close();
        static_cast<void>(co_await fs::remove_all(below));
    }
}

TEST_F(signals, are_never_seen) {
    struct sigaction quiet{};
    quiet.sa_handler = [](int) {};
    struct sigaction before{};
    ASSERT_EQ(::sigaction(SIGUSR1, &quiet, &before), 0);  // without SA_RESTART
    std::atomic<bool> over{false};
    // Any thread may get it, the blocking ones among them.
    std::thread storm([&] {
        while (!over.load()) {
            ::kill(::getpid(), SIGUSR1);
            std::this_thread::yield();
        }
    });
    block_on(use_files(folder_, scaled(30)));
    over.store(true);
    storm.join();
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
