// tests/io/threads_test.cpp: an operation outlives the thread that started it.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "support.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/scheduling/blocking_region.hpp"
#include "weft/thread_pool.hpp"

namespace {

using namespace weft;
using namespace weft_test;

using starting_threads = io_test;

/// Starts a read by `start`, which runs what it is given on some thread and returns once that thread is gone, and only then
/// sends the data.
void read_started_by(const std::function<void(std::function<void()>)>& start) {
    connection both = block_on(connect_pair());
    std::array<char, 16> buffer{};
    std::optional<task<std::size_t>> pending;
    start([&] { pending.emplace(both.client.read(std::span<char>(buffer))); });
    ASSERT_TRUE(pending.has_value());
    EXPECT_FALSE(pending->is_completed());
    block_on(task<>(both.server.write(std::string_view("data"))));
    EXPECT_TRUE(pending->wait(std::chrono::seconds(10)));
    EXPECT_EQ(pending->get(), 4U);
    EXPECT_EQ(std::string_view(buffer.data(), 4), "data");
    pending.reset();
    block_on(both.client.close());
    block_on(both.server.close());
}

TEST_F(starting_threads, a_foreign_thread_may_end_before_its_read) {
    read_started_by([](std::function<void()> body) { std::thread(body).join(); });
}

TEST_F(starting_threads, a_long_running_thread_may_end_before_its_read) {
    read_started_by([](std::function<void()> body) {
        const auto before = runtime::default_runtime().threads().long_running;
        std::atomic<bool> done{false};
        thread_pool::shared().start_long_running([&] {
            body();
            done = true;
        });
        EXPECT_TRUE(eventually([&] { return done.load() && runtime::default_runtime().threads().long_running == before; }));
    });
}

TEST_F(starting_threads, a_user_interface_thread_may_end_before_its_read) {
    read_started_by([](std::function<void()> body) {
        event_loop_context loop;
        std::thread([&] {
            loop.post([&] {
                body();
                loop.stop();
            });
            loop.run();
        }).join();
    });
}

TEST_F(starting_threads, an_injected_thread_may_end_before_its_read) {
    read_started_by([](std::function<void()> body) {
        thread_pool& pool = thread_pool::shared();
        const auto on_owner = [&pool] {
            return worker_identity::owner_of(detail::this_thread_block(), pool) != worker_identity::not_an_owner;
        };
        // Every permanent worker blocks, so what is posted next runs on a thread that was added. An added thread may take a
        // blocker first: it gives it back.
        std::atomic<bool> over{false};
        std::atomic<int> blocked{0};
        std::atomic<int> posted{0};
        const std::function<void()> block = [&] {
            if (on_owner()) {
                ++blocked;
                --posted;
                blocking_region region;
                while (!over.load()) std::this_thread::yield();
                --blocked;
            } else {
                --posted;
            }
        };
        const int workers = static_cast<int>(pool.min_threads());
        EXPECT_TRUE(eventually([&] {
            if (blocked.load() < workers && posted.load() == 0) {
                ++posted;
                pool.post(block);
            }
            return blocked.load() == workers && posted.load() == 0;
        }));
        std::atomic<bool> started{false};
        bool owner = true;
        pool.post([&] {
            owner = on_owner();
            body();
            started = true;
        });
        EXPECT_TRUE(eventually([&] { return started.load(); }));
        EXPECT_FALSE(owner) << "the body ran on a permanent worker";
        over = true;
        EXPECT_TRUE(eventually([&] { return blocked.load() == 0; }));
    });
}

}  // namespace
