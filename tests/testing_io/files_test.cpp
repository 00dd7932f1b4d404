// tests/testing_io/files_test.cpp: disks that lose what was not synced, fill up, and fail.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <string>

#include "one_node.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/task.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using fs::file;
using fs::open_mode;
using weft::testing::deterministic_scheduler;
using weft::testing::simulated_io;
using weft::testing::simulated_node;
using weft_test::one_node;

constexpr open_mode new_file = open_mode::write | open_mode::create | open_mode::truncate;

/// @returns 0 or the errno
task<int> error_of(task<> what) {
    try {
        co_await std::move(what);
    } catch (const io_error& error) {
        co_return error.code().value();
    }
    co_return 0;
}

task<> write_synced(std::string path, std::string text) {
    file out = co_await file::open(path, new_file);
    co_await out.write(text);
    co_await out.sync();
    co_await out.close();
}

TEST(simulated_files, a_test_sees_what_a_program_wrote) {
    one_node at;
    at.world.run(at.node.run(&fs::write_all_text, "/data/a", "text", cancellation_token()));
    EXPECT_EQ(at.node.files().contents("/data/a"), "text");
    EXPECT_EQ(at.node.files().synced_contents("/data/a"), std::nullopt);
    EXPECT_EQ(at.node.files().list(), (std::vector<std::string>{"/data/a"}));
    at.node.files().put("data//./b", "prepared");
    EXPECT_EQ(at.world.run(at.node.run(&fs::read_all_text, "/data/b", cancellation_token())), "prepared");
}

TEST(simulated_files, each_node_has_its_own) {
    one_node at;
    at.node.files().put("/data/a", "here");
    EXPECT_FALSE(at.io.local().files().exists("/data/a"));
    EXPECT_THROW(at.world.run(fs::read_all_text("/data/a")), io_error);
}

TEST(simulated_files, names_can_be_taken_away_and_given) {
    one_node at;
    at.node.files().put("/data/a", "1");
    EXPECT_TRUE(at.node.files().rename("/data/a", "/data/b"));
    EXPECT_FALSE(at.node.files().rename("/data/a", "/data/c"));
    EXPECT_EQ(at.node.files().contents("/data/b"), "1");
    EXPECT_TRUE(at.node.files().remove("/data/b"));
    EXPECT_FALSE(at.node.files().remove("/data/b"));
    at.node.files().make_directory("/var/lib/app");
    at.world.run(at.node.run(&fs::write_all_text, "/var/lib/app/x", "y", cancellation_token()));
    EXPECT_TRUE(at.node.files().exists("/var/lib/app/x"));
}

// ---- crashes

task<> write_then_more(std::string path) {
    co_await write_synced(path, "kept");
    co_await fs::append_all_text(path, " and lost");
}

TEST(simulated_files, a_crash_takes_what_was_not_synced) {
    one_node at;
    at.world.run(at.node.run(&write_then_more, "/data/a"));
    at.world.run(at.node.run(&fs::write_all_text, "/data/never", "synced", cancellation_token()));
    EXPECT_EQ(at.node.files().contents("/data/a"), "kept and lost");
    EXPECT_EQ(at.node.files().synced_contents("/data/a"), "kept");
    at.node.crash();
    at.node.restart();
    EXPECT_EQ(at.node.files().contents("/data/a"), "kept");
    EXPECT_FALSE(at.node.files().exists("/data/never"));
    EXPECT_EQ(at.world.run(at.node.run(&fs::read_all_text, "/data/a", cancellation_token())), "kept");
}

task<> write_over_synced(std::string path) {
    co_await write_synced(path, "long enough");
    co_await fs::write_all_text(path, "short");
}

TEST(simulated_files, an_unsynced_truncation_comes_back) {
    one_node at;
    at.world.run(at.node.run(&write_over_synced, "/data/a"));
    at.node.crash();
    EXPECT_EQ(at.node.files().contents("/data/a"), "long enough");
}

task<std::string> use_after_the_crash(simulated_node self, std::string path) {
    file out = co_await file::open(path, new_file);
    co_await out.write(std::string_view("x"));
    self.crash();
    self.restart();
    try {
        co_await out.write(std::string_view("y"));
    } catch (const operation_canceled&) {
        co_return "canceled";
    }
    co_return "written";
}

TEST(simulated_files, handles_of_before_a_crash_are_worth_nothing) {
    one_node at;
    EXPECT_EQ(at.world.run(at.node.run(&use_after_the_crash, at.node, "/data/a")), "canceled");
}

task<> append_records(std::string path, int synced, int unsynced) {
    file out = co_await file::open(path, open_mode::append | open_mode::create);
    for (int i = 0; i < synced + unsynced; ++i) {
        const std::string record(700, static_cast<char>('a' + i));
        co_await out.write(record);
        if (i + 1 == synced) co_await out.sync();
    }
    co_await out.close();
}

TEST(simulated_files, a_torn_write_leaves_a_prefix_of_what_was_not_synced) {
    std::set<std::size_t> sizes;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        one_node at(seed);
        at.io.faults().torn_writes();
        at.world.run(at.node.run(&append_records, "/data/log", 2, 3));
        at.node.crash();
        const std::string left = at.node.files().contents("/data/log").value();
        ASSERT_GE(left.size(), 1400U) << "what was synced stays";
        ASSERT_LE(left.size(), 3500U);
        for (std::size_t i = 0; i < left.size(); ++i) ASSERT_EQ(left[i], static_cast<char>('a' + i / 700));
        sizes.insert(left.size());
    }
    EXPECT_TRUE(sizes.contains(1400U));
    EXPECT_TRUE(sizes.contains(1400U + 512U)) << "a sector of the next";
    EXPECT_TRUE(sizes.contains(3500U));
}

// ---- faults

task<> fill_the_disk(one_node& at) {
    const std::string text(150, 'x');
    const int first = co_await error_of(fs::write_all_text("/data/a", text));
    EXPECT_EQ(first, ENOSPC);
    EXPECT_EQ(at.node.files().contents("/data/a")->size(), 100U);
    // What is there may be written over.
    file again = co_await file::open("/data/a", open_mode::write);
    co_await again.write_at(50, std::as_bytes(std::span(text)).first(50));
    co_await again.close();
    at.node.files().remove("/data/a");
    const int second = co_await error_of(fs::write_all_text("/data/b", "fits again"));
    EXPECT_EQ(second, 0);
}

TEST(simulated_files, a_full_disk_says_so_after_what_fits) {
    one_node at;
    at.node.files().capacity(100);
    at.world.run(at.node.run(&fill_the_disk, std::ref(at)));
}

task<> sync_that_fails(one_node& at) {
    file out = co_await file::open("/data/a", new_file);
    co_await out.write(std::string_view("x"));
    at.io.faults().fail_next(io_kind::sync, EIO);
    const int first = co_await error_of(out.sync());
    const int second = co_await error_of(out.sync());
    EXPECT_EQ(first, EIO);
    EXPECT_EQ(second, EIO) << "the handle does not forget";
    file other = co_await file::open("/data/a", open_mode::write);
    const int third = co_await error_of(other.sync());
    EXPECT_EQ(third, 0);
}

TEST(simulated_files, a_failed_sync_is_remembered_by_its_handle) {
    one_node at;
    at.world.run(at.node.run(&sync_that_fails, std::ref(at)));
}

task<> close_that_fails(one_node& at) {
    file out = co_await file::open("/data/a", new_file);
    co_await out.write(std::string_view("x"));
    at.io.faults().fail_next(io_kind::close, EIO);
    std::string error;
    try {
        co_await out.close();
    } catch (const io_error& thrown) {
        error = thrown.what();
    }
    EXPECT_EQ(error, "close '/data/a' failed: input/output error (EIO)");
    EXPECT_FALSE(out.is_open());
    EXPECT_EQ(at.io.open_descriptors(), 0U) << "closed all the same";
    co_await out.close();  // a later call does nothing
    at.io.faults().fail_next(io_kind::close, ENOSPC);
    const int written = co_await error_of(fs::write_all_text("/data/a", "y"));
    EXPECT_EQ(written, ENOSPC);
    at.io.faults().fail_next(io_kind::close, EDQUOT);
    const int added = co_await error_of(fs::append_all_text("/data/a", "z"));
    EXPECT_EQ(added, EDQUOT);
    // What was read is there.
    at.io.faults().fail_next(io_kind::close, EIO);
    const std::string back = co_await fs::read_all_text("/data/a");
    EXPECT_EQ(back, "yz");
    EXPECT_EQ(at.io.open_descriptors(), 0U);
}

TEST(simulated_files, a_close_that_fails_says_so_and_has_closed) {
    one_node at;
    at.world.run(at.node.run(&close_that_fails, std::ref(at)));
}

task<> write_and_compare(std::string text) {
    co_await fs::write_all_text("/data/a", text);
    const std::string back = co_await fs::read_all_text("/data/a");
    EXPECT_TRUE(back == text);
}

TEST(simulated_files, short_reads_and_writes_are_made_up_for) {
    for (std::uint64_t seed = 1; seed < 50; ++seed) {
        one_node at(seed);
        at.io.faults().short_reads();
        at.io.faults().short_writes();
        at.world.run(at.node.run(&write_and_compare, std::string(5000, 'x')));
    }
}

task<int> read_until_it_fails() {
    for (int i = 1; i < 10'000; ++i) {
        try {
            const std::string text = co_await fs::read_all_text("/data/a");
            EXPECT_EQ(text, "text");
        } catch (const io_error& error) {
            EXPECT_EQ(error.code().value(), EIO);
            co_return i;
        }
    }
    co_return 0;
}

TEST(simulated_files, a_fault_comes_about_as_often_as_asked) {
    one_node at(3);
    at.node.files().put("/data/a", "text");
    at.io.faults().fail_one_in(io_kind::read, EIO, 50);
    EXPECT_GT(at.world.run(at.node.run(&read_until_it_fails)), 0);
    at.io.faults().none();
    EXPECT_EQ(at.world.run(at.node.run(&fs::read_all_text, "/data/a", cancellation_token())), "text");
}

task<std::chrono::nanoseconds> timed_read(one_node& at) {
    const auto begun = at.world.time().now();
    const std::string text = co_await fs::read_all_text("/data/a");
    co_return at.world.time().now() - begun;
}

TEST(simulated_files, a_disk_takes_its_time) {
    one_node at;
    at.node.files().put("/data/a", "text");
    at.io.faults().disk_latency(5ms, 5ms);
    // Open, size, read, end of file.
    EXPECT_EQ(at.world.run(at.node.run(&timed_read, std::ref(at))), 20ms);
}

// ---- a store that promises something: what put() has returned for survives a crash

/// Values in an append-only log, one line each.
class log_store {
public:
    log_store(std::string path, bool syncs) : path_(std::move(path)), syncs_(syncs) {}

    task<> put(int value) {
        file out = co_await file::open(path_, open_mode::append | open_mode::create);
        const std::string line = std::to_string(value) + "\n";
        co_await out.write(line);
        if (syncs_) co_await out.sync();
        co_await out.close();
    }

    task<std::set<int>> load() {
        std::set<int> values;
        std::string text;
        try {
            text = co_await fs::read_all_text(path_);
        } catch (const io_error&) {
            co_return values;
        }
        // A line without an end was torn.
        for (std::size_t at = 0; text.find('\n', at) != std::string::npos; at = text.find('\n', at) + 1)
            values.insert(std::atoi(text.c_str() + at));
        co_return values;
    }

private:
    std::string path_;
    bool syncs_;
};

task<> put_until_the_crash(log_store& store, std::set<int>& promised) {
    try {
        for (int value = 0; value < 20; ++value) {
            co_await store.put(value);
            promised.insert(value);
        }
    } catch (const operation_canceled&) {
        // The machine went down.
    } catch (const io_error&) {
        // Or was down already.
    }
}

/// @returns how many seeds lost something that was promised
int losses(bool syncs) {
    int lost = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        one_node at(seed);
        at.io.faults().torn_writes();
        at.io.faults().short_writes();
        at.io.faults().disk_latency(1ms, 4ms);
        log_store store("/data/log", syncs);
        std::set<int> promised;
        task<> writing = at.node.run(&put_until_the_crash, std::ref(store), std::ref(promised));
        at.world.advance(std::chrono::milliseconds(1 + at.world.choose("test.crash", 100)));
        at.node.crash();
        at.world.run(std::move(writing));
        at.node.restart();
        const std::set<int> found = at.world.run(at.node.run([&] { return store.load(); }));
        if (!std::ranges::includes(found, promised)) ++lost;
    }
    return lost;
}

TEST(simulated_files, a_store_that_syncs_keeps_its_promise_and_one_that_does_not_is_found_out) {
    EXPECT_EQ(losses(true), 0);
    EXPECT_GT(losses(false), 50);
}

}  // namespace
