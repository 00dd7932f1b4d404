// tests/testing_io/copy_test.cpp: files copied on simulated disks that fail, and copies that are cancelled.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "one_node.hpp"
#include "support/failure_of.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/task.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;
using weft_test::failure_of;
using weft_test::one_node;
using weft_test::refuse_the_directory;

using names = std::vector<std::string>;

task<std::string> copy_cancelled(deterministic_scheduler& world, fs::copy_options options, cancellation_source source) {
    task<std::uint64_t> copying = fs::copy("/data/from", "/data/to", options, source.token());
    co_await delay(std::chrono::microseconds(world.choose("test.cancel", 20'000)));
    source.cancel();
    co_return co_await failure_of(std::move(copying));
}

TEST(simulated_copies, a_cancelled_copy_happened_or_left_nothing) {
    for (const bool overwrite : {false, true}) {
        int canceled = 0;
        for (std::uint64_t seed = 0; seed < 200; ++seed) {
            one_node at(seed);
            at.io.faults().disk_latency(1us, 4ms);
            at.io.faults().short_reads();
            at.io.faults().short_writes();
            at.node.files().put("/data/from", "0123456789");
            if (overwrite) at.node.files().put("/data/to", "old");
            fs::copy_options options;
            options.overwrite = overwrite;
            const std::string error = at.run([&] { return copy_cancelled(at.world, options, cancellation_source()); });
            if (error == "canceled") ++canceled;
            ASSERT_TRUE(error.empty() || error == "canceled") << error;
            const std::optional<std::string> left = at.node.files().contents("/data/to");
            const std::optional<std::string> untouched = overwrite ? std::optional<std::string>("old") : std::nullopt;
            ASSERT_EQ(left, error.empty() ? "0123456789" : untouched);
            ASSERT_EQ(at.names().size(), left.has_value() ? 2U : 1U);
        }
        EXPECT_GT(canceled, 20);
        EXPECT_LT(canceled, 190);
    }
}

TEST(simulated_copies, a_copy_that_fails_leaves_nothing) {
    struct step {
        io_kind kind;
        int error;
        const char* says;
    };
    for (const step& each : {step{io_kind::copy_range, EIO, "copy '/data/from' to '/data/to' failed"},
             step{io_kind::copy_range, ENOSPC, "copy '/data/from' to '/data/to' failed"},
             step{io_kind::change_mode, EPERM, "change the permissions of '/data/to' failed"},
             step{io_kind::stat, EIO, "ask for the state of '/data/from' failed"}}) {
        one_node at;
        at.node.files().put("/data/from", "0123456789");
        at.io.faults().fail_next(each.kind, each.error);
        const std::string error = at.run([] { return failure_of(fs::copy("/data/from", "/data/to")); });
        EXPECT_TRUE(error.starts_with(each.says)) << error;
        EXPECT_EQ(at.names(), names{"/data/from"});
    }
}

TEST(simulated_copies, a_copy_whose_close_fails_leaves_the_old_target_whole) {
    for (const bool overwrite : {false, true}) {
        one_node at;
        at.node.files().put("/data/from", "0123456789");
        if (overwrite) at.node.files().put("/data/to", "old");
        at.io.faults().fail_next(io_kind::close, EIO);
        fs::copy_options options;
        options.overwrite = overwrite;
        const std::string error = at.run([&] { return failure_of(fs::copy("/data/from", "/data/to", options)); });
        EXPECT_TRUE(error.starts_with(overwrite ? "close '/data/.to." : "close '/data/to' failed")) << error;
        EXPECT_TRUE(error.ends_with("failed: input/output error (EIO)")) << error;
        EXPECT_EQ(at.node.files().contents("/data/to"), overwrite ? std::optional<std::string>("old") : std::nullopt);
        EXPECT_EQ(at.names().size(), overwrite ? 2U : 1U);
        EXPECT_EQ(at.io.open_descriptors(), 0U);
    }
}

/// Replaces /data/to, "old", by a copy that is to be on the disk.
task<std::string> copy_synced() {
    fs::copy_options options;
    options.overwrite = options.sync = true;
    return failure_of(fs::copy("/from", "/data/to", options));
}

/// On a slow disk.
task<std::string> begin_copy(one_node& at) {
    at.io.faults().disk_latency(5ms, 5ms);
    at.node.files().put("/from", "0123456789");
    at.node.files().put("/data/to", "old");
    return at.node.run(&copy_synced);
}

TEST(simulated_copies, a_copy_knows_before_the_renaming_that_it_cannot_open_the_directory) {
    one_node at;
    task<std::string> copying = begin_copy(at);
    refuse_the_directory(at, "0123456789");
    EXPECT_EQ(at.world.run(std::move(copying)), "open '/data' failed: permission denied (EACCES)");
    EXPECT_EQ(at.node.files().contents("/data/to"), "old");
    EXPECT_EQ(at.names(), (names{"/data/to", "/from"}));
    EXPECT_EQ(at.io.open_descriptors(), 0U);
}

TEST(simulated_copies, a_shutdown_after_a_copy_has_its_name_is_no_cancellation) {
    one_node at;
    task<std::string> copying = begin_copy(at);
    while (at.node.files().contents("/data/to") == "old") at.world.advance(1ms);
    at.io.stop();
    EXPECT_EQ(at.world.run(std::move(copying)), "write to disk '/data' failed: operation canceled (ECANCELED)");
    EXPECT_EQ(at.node.files().contents("/data/to"), "0123456789");
}

TEST(simulated_copies, a_copy_goes_through_a_buffer_where_the_kernel_refuses) {
    for (const int refusal : {EXDEV, EINVAL, ENOSYS, EOPNOTSUPP}) {
        one_node at;
        at.io.faults().short_reads();
        at.io.faults().short_writes();
        at.node.files().put("/data/from", "0123456789");
        at.io.faults().fail_next(io_kind::copy_range, refusal);
        EXPECT_EQ(at.run([] { return fs::copy("/data/from", "/data/to"); }), 10U);
        EXPECT_EQ(at.node.files().contents("/data/to"), "0123456789");
    }
    one_node full;
    full.node.files().put("/data/from", "0123456789");
    full.node.files().capacity(15);
    full.io.faults().fail_next(io_kind::copy_range, EXDEV);
    EXPECT_EQ(full.run([] { return failure_of(fs::copy("/data/from", "/data/to")); }),
        "write to '/data/to' failed: no space left on device (ENOSPC)");
    EXPECT_EQ(full.names(), names{"/data/from"});
}

}  // namespace
