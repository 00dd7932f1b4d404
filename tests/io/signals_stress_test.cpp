// tests/io/signals_stress_test.cpp: signals that interrupt system calls are never seen by those who asked for files.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <csignal>
#include <thread>

#include <sys/types.h>
#include <unistd.h>

#include "folder.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"

namespace {

using namespace weft;
using namespace weft_test;

class signals : public folder_test {};

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
