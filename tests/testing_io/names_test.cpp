// tests/testing_io/names_test.cpp: names on simulated disks: what a crash leaves of them, and weft::fs when single operations fail.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "one_node.hpp"
#include "support/failure_of.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/fs/temporary.hpp"
#include "weft/fs/watcher.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/task.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using fs::open_mode;
using weft::testing::deterministic_scheduler;
using weft::testing::simulated_io;
using weft_test::failure_of;
using weft_test::one_node;
using weft_test::refuse_the_directory;

using names = std::vector<std::string>;

// ---- what a crash leaves of names

task<> put_synced(std::string path, std::string text) {
    fs::file out = co_await fs::file::open(std::move(path), open_mode::write | open_mode::create | open_mode::truncate);
    co_await out.write(text);
    co_await out.sync();
    co_await out.close();
}

TEST(simulated_names, a_renaming_waits_for_its_directory) {
    for (const bool synced : {false, true}) {
        one_node at;
        at.run([] { return put_synced("/data/old", "text"); });
        at.run([] { return fs::rename("/data/old", "/data/new"); });
        EXPECT_EQ(at.names(), names{"/data/new"});
        if (synced) at.run([] { return fs::sync_directory("/data"); });
        EXPECT_EQ(at.node.files().synced_contents("/data/new").has_value(), synced);
        at.node.crash();
        at.node.restart();
        EXPECT_EQ(at.names(), names{synced ? "/data/new" : "/data/old"});
    }
}

TEST(simulated_names, a_removal_waits_for_its_directory) {
    for (const bool synced : {false, true}) {
        one_node at;
        at.node.files().put("/data/file", "text");
        EXPECT_TRUE(at.run([] { return fs::remove("/data/file"); }));
        if (synced) at.run([] { return fs::sync_directory("/data"); });
        at.node.crash();
        at.node.restart();
        EXPECT_EQ(at.node.files().exists("/data/file"), !synced);
    }
}

TEST(simulated_names, links_wait_for_their_directory) {
    for (const bool synced : {false, true}) {
        one_node at;
        at.node.files().put("/data/file", "text");
        at.run([] { return fs::create_hard_link("/data/file", "/data/second"); });
        at.run([] { return fs::create_symbolic_link("file", "/data/link"); });
        if (synced) at.run([] { return fs::sync_directory("/data"); });
        at.node.crash();
        at.node.restart();
        EXPECT_EQ(at.node.files().exists("/data/second"), synced);
        EXPECT_EQ(at.node.files().exists("/data/link"), synced);
    }
}

TEST(simulated_names, a_name_that_came_before_its_contents_leads_to_an_empty_file) {
    one_node at;
    at.node.files().put("/data/file", "old");
    at.run([] { return fs::write_all_text("/data/beside", "new"); });
    at.run([] { return fs::rename("/data/beside", "/data/file"); });
    at.run([] { return fs::sync_directory("/data"); });
    at.node.crash();
    at.node.restart();
    EXPECT_EQ(at.node.files().contents("/data/file"), "");
}

// ---- replacing, and the power cut

/// "7 xxxx…", long enough to be torn.
std::string version(int number) { return std::to_string(number) + " " + std::string(3000, 'x'); }

/// @returns the number of a version that is whole, else -1
int number_of(const std::string& text) {
    const int number = std::atoi(text.c_str());
    return text == version(number) ? number : -1;
}

enum class way : std::uint8_t { ours, without_sync, without_directory };

task<> replace(std::string path, std::string text, way how) {
    if (how == way::ours) co_return co_await fs::replace_all_text(std::move(path), text);
    const std::string beside = path + ".new";
    fs::file out = co_await fs::file::open(beside, open_mode::write | open_mode::create | open_mode::truncate);
    co_await out.write(text);
    if (how != way::without_sync) co_await out.sync();
    co_await out.close();
    co_await fs::rename(beside, std::move(path));
    if (how != way::without_directory) co_await fs::sync_directory("/data");
}

task<> replace_until_the_crash(way how, int& promised) {
    try {
        for (int number = 1; number < 30; ++number) {
            std::string text = version(number);
            co_await replace("/data/file", std::move(text), how);
            promised = number;
        }
    } catch (const operation_canceled&) {
        // The machine went down.
    } catch (const io_error& error) {
        // Or did so when the new file had the name, but not yet on the disk.
        if (error.code() != std::errc::operation_canceled) throw;
    }
}

/// @returns how many seeds left something else than the promised version or a later one, whole
int losses(way how) {
    int lost = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        one_node at(seed);
        at.io.faults().torn_writes(seed % 2 == 0);
        at.io.faults().short_writes();
        at.io.faults().disk_latency(1us, 4ms);
        at.node.files().put("/data/file", version(0));
        int promised = 0;
        task<> writing = at.node.run([&] { return replace_until_the_crash(how, promised); });
        at.world.advance(std::chrono::milliseconds(1 + at.world.choose("test.crash", 100)));
        at.node.crash();
        at.world.run(std::move(writing));
        at.node.restart();
        const std::optional<std::string> left = at.node.files().contents("/data/file");
        if (!left.has_value() || number_of(*left) < promised) ++lost;
    }
    return lost;
}

TEST(simulated_names, a_replaced_file_is_whole_after_a_crash_and_what_leaves_out_a_step_is_found_out) {
    EXPECT_EQ(losses(way::ours), 0);
    EXPECT_GT(losses(way::without_sync), 10);
    EXPECT_GT(losses(way::without_directory), 10);
}

task<std::string> replace_once() { return failure_of(fs::replace_all_text("/data/file", "new")); }

TEST(simulated_names, whatever_fails_while_replacing_the_old_file_is_untouched_and_nothing_left_beside) {
    struct step {
        io_kind kind;
        const char* says;
    };
    for (const step& each :
        {step{io_kind::stat_path, "ask for the state of '/data/file'"}, step{io_kind::open, "open '/data/.file."},
            step{io_kind::change_mode, "change the permissions of '/data/.file."},
            step{io_kind::write, "write to '/data/.file."}, step{io_kind::sync, "write to disk '/data/.file."},
            step{io_kind::close, "close '/data/.file."}, step{io_kind::rename, "rename '/data/.file."}}) {
        one_node at;
        at.node.files().put("/data/file", "old");
        at.io.faults().fail_next(each.kind, EIO);
        const std::string error = at.run(&replace_once);
        EXPECT_TRUE(error.starts_with(each.says)) << error;
        EXPECT_TRUE(error.ends_with("failed: input/output error (EIO)")) << error;
        EXPECT_EQ(at.node.files().contents("/data/file"), "old");
        EXPECT_EQ(at.names(), names{"/data/file"});
    }
}

/// Replaces on a slow disk, and does something at the moment the new file has the name. @returns what the replacing throws
template <class F>
std::string replace_and_meddle(one_node& at, F meddle) {
    at.io.faults().disk_latency(5ms, 5ms);
    at.node.files().put("/data/file", "old");
    task<std::string> replacing = at.node.run(&replace_once);
    while (at.node.files().contents("/data/file") == "old") at.world.advance(1ms);
    meddle();
    return at.world.run(std::move(replacing));
}

TEST(simulated_names, after_the_renaming_only_the_disk_is_reported) {
    one_node broken;
    EXPECT_EQ(replace_and_meddle(broken, [&] { broken.io.faults().fail_next(io_kind::sync, EIO); }),
        "write to disk '/data' failed: input/output error (EIO)");
    EXPECT_EQ(broken.node.files().contents("/data/file"), "new");
    EXPECT_EQ(broken.names(), names{"/data/file"});
    EXPECT_EQ(broken.io.open_descriptors(), 0U);
    one_node full;
    EXPECT_EQ(replace_and_meddle(full,
                  [&] {
                      full.io.faults().fail_next(io_kind::open, EMFILE);
                      full.io.faults().fail_next(io_kind::close, EIO);
                  }),
        "");
    EXPECT_EQ(full.node.files().synced_contents("/data/file"), "new");
}

TEST(simulated_names, a_shutdown_after_the_renaming_is_no_cancellation) {
    one_node at;
    EXPECT_EQ(
        replace_and_meddle(at, [&] { at.io.stop(); }), "write to disk '/data' failed: operation canceled (ECANCELED)");
    EXPECT_EQ(at.node.files().contents("/data/file"), "new");
}

TEST(simulated_names, a_directory_that_cannot_be_opened_is_known_before_the_renaming) {
    one_node at;
    at.io.faults().disk_latency(5ms, 5ms);
    at.node.files().put("/data/file", "old");
    task<std::string> replacing = at.node.run(&replace_once);
    refuse_the_directory(at, "new");
    EXPECT_EQ(at.world.run(std::move(replacing)), "open '/data' failed: permission denied (EACCES)");
    EXPECT_EQ(at.node.files().contents("/data/file"), "old");
    EXPECT_EQ(at.names(), names{"/data/file"});
}

task<std::string> replace_cancelled(deterministic_scheduler& world, cancellation_source source) {
    task<> replacing = fs::replace_all_text("/data/file", "new", source.token());
    co_await delay(std::chrono::microseconds(world.choose("test.cancel", 20'000)));
    source.cancel();
    co_return co_await failure_of(std::move(replacing));
}

TEST(simulated_names, a_cancelled_replacement_happened_or_left_nothing) {
    int canceled = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        one_node at(seed);
        at.io.faults().disk_latency(1us, 4ms);
        at.node.files().put("/data/file", "old");
        const std::string error = at.run([&] { return replace_cancelled(at.world, cancellation_source()); });
        if (error == "canceled") ++canceled;
        ASSERT_TRUE(error.empty() || error == "canceled") << error;
        ASSERT_EQ(at.node.files().contents("/data/file"), error.empty() ? "new" : "old");
        ASSERT_EQ(at.names(), names{"/data/file"});
        // What was promised is on the disk.
        ASSERT_EQ(at.node.files().synced_contents("/data/file"), error.empty() ? "new" : "old");
    }
    EXPECT_GT(canceled, 20);
    EXPECT_LT(canceled, 280);
}

// ---- walking and removing

task<std::string> walk(fs::enumeration_options options) {
    std::vector<std::string> found;
    async_stream<fs::directory_entry> entries = fs::enumerate("/data", options);
    for (;;) {
        std::optional<fs::directory_entry> next = co_await entries.next();
        if (!next) break;
        found.push_back(std::move(next->path));
    }
    std::ranges::sort(found);
    std::string text;
    for (const std::string& each : found) text += each.substr(6) + " ";
    co_return text;
}

void make_tree(one_node& at) {
    at.node.files().make_directory("/data/a/b");
    at.node.files().put("/data/one", "1");
    at.node.files().put("/data/a/two", "2");
    at.node.files().put("/data/a/b/three", "3");
}

TEST(simulated_names, directories_that_cannot_be_listed_are_thrown_or_skipped) {
    fs::enumeration_options options;
    options.recurse = true;
    {
        one_node at;
        make_tree(at);
        EXPECT_EQ(at.run([&] { return walk(options); }), "a a/b a/b/three a/two one ");
    }
    const auto walk_with = [&](io_kind kind, int error) {
        one_node at;
        make_tree(at);
        at.io.faults().fail_next(kind, error);
        return at.run([&] { return failure_of(walk(options)); });
    };
    EXPECT_EQ(walk_with(io_kind::open, EACCES), "open '/data' failed: permission denied (EACCES)");
    EXPECT_EQ(walk_with(io_kind::read_directory, EIO), "list '/data' failed: input/output error (EIO)");
}

task<std::string> walk_with_a_locked_room(simulated_io& io, fs::enumeration_options options, int error) {
    std::string text;
    async_stream<fs::directory_entry> entries = fs::enumerate("/data", options);
    try {
        for (;;) {
            const std::optional<fs::directory_entry> next = co_await entries.next();
            if (!next) break;
            text += next->path.substr(6) + " ";
            if (next->path == "/data/one") io.faults().fail_next(io_kind::open, error);
        }
    } catch (const io_error& failure) {
        text += failure.what();
    }
    co_return text;
}

TEST(simulated_names, an_error_below_ends_the_walk_unless_it_is_skipped) {
    for (const bool skip : {false, true}) {
        one_node at;
        make_tree(at);
        fs::enumeration_options options;
        options.recurse = true;
        options.skip_errors = skip;
        // "/data" is listed in the order a, one; then "/data/a" is opened.
        const std::string told = at.run([&] { return walk_with_a_locked_room(at.io, options, EACCES); });
        EXPECT_EQ(told, skip ? "a one " : "a one open '/data/a' failed: permission denied (EACCES)");
        one_node other;
        make_tree(other);
        const std::string gone = other.run([&] { return walk_with_a_locked_room(other.io, options, ENOENT); });
        EXPECT_EQ(gone, "a one ") << "what is gone by now is no error";
    }
}

TEST(simulated_names, trees_are_made_and_removed) {
    one_node at;
    make_tree(at);
    at.run([] { return fs::create_directories("/data/x/y/z"); });
    EXPECT_EQ(at.run([] { return fs::remove_all("/data/a"); }), 4U);
    EXPECT_EQ(at.names(), names{"/data/one"});
    EXPECT_EQ(at.run([] { return fs::remove_all("/data/x"); }), 3U);
    at.node.files().put("/data/one", "1");
    at.io.faults().fail_next(io_kind::unlink, EPERM);
    EXPECT_EQ(at.run([] { return failure_of(fs::remove_all("/data/one")); }),
        "remove '/data/one' failed: operation not permitted (EPERM)");
}

// ---- errors name what was tried

task<std::string> try_read_vectored() {
    fs::file both = co_await fs::file::open("/data/file", open_mode::read | open_mode::write);
    const std::span<const std::span<std::byte>> no_room;
    std::string text = co_await failure_of(both.read_vectored(no_room));
    co_await both.close();
    co_return text;
}
task<std::string> try_write_vectored() {
    fs::file both = co_await fs::file::open("/data/file", open_mode::read | open_mode::write);
    const std::span<const std::span<const std::byte>> no_data;
    std::string text = co_await failure_of(both.write_vectored(no_data));
    co_await both.close();
    co_return text;
}
task<std::string> try_truncate() {
    fs::file both = co_await fs::file::open("/data/file", open_mode::read | open_mode::write);
    std::string text = co_await failure_of(both.truncate(1));
    co_await both.close();
    co_return text;
}
task<std::string> try_allocate() {
    fs::file both = co_await fs::file::open("/data/file", open_mode::read | open_mode::write);
    std::string text = co_await failure_of(both.allocate(1));
    co_await both.close();
    co_return text;
}
task<std::string> try_set_permissions() {
    fs::file both = co_await fs::file::open("/data/file", open_mode::read | open_mode::write);
    std::string text = co_await failure_of(both.set_permissions(fs::permissions::everyone));
    co_await both.close();
    co_return text;
}

TEST(simulated_names, every_kind_of_failure_names_its_path) {
    struct one {
        io_kind kind;
        task<std::string> (*attempt)();
        const char* says;
    };
    const one all[] = {
        {io_kind::readv, &try_read_vectored, "read from '/data/file'"},
        {io_kind::writev, &try_write_vectored, "write to '/data/file'"},
        {io_kind::truncate, &try_truncate, "change the size of '/data/file'"},
        {io_kind::allocate, &try_allocate, "allocate room for '/data/file'"},
        {io_kind::change_mode, &try_set_permissions, "change the permissions of '/data/file'"},
        {io_kind::read_directory, [] { return failure_of(fs::enumerate("/data").to_vector()); }, "list '/data'"},
        {io_kind::stat_path, [] { return failure_of(fs::stat("/data/file")); }, "ask for the state of '/data/file'"},
        {io_kind::read_link, [] { return failure_of(fs::read_link("/data/file")); }, "read the link '/data/file'"},
        {io_kind::rename, [] { return failure_of(fs::rename("/data/file", "/data/b")); },
            "rename '/data/file' to '/data/b'"},
        {io_kind::unlink, [] { return failure_of(fs::remove("/data/file")); }, "remove '/data/file'"},
        {io_kind::make_directory, [] { return failure_of(fs::create_directory("/data/d")); },
            "create the directory '/data/d'"},
        {io_kind::link, [] { return failure_of(fs::create_hard_link("/data/file", "/data/b")); },
            "link '/data/file' as '/data/b'"},
        {io_kind::symlink, [] { return failure_of(fs::create_symbolic_link("t", "/data/b")); },
            "make the link '/data/b' to 't'"},
    };
    for (const one& each : all) {
        for (const auto& [error, text] :
            std::map<int, std::string>{{EIO, "input/output error (EIO)"}, {ENOSPC, "no space left on device (ENOSPC)"}}) {
            one_node at;
            at.node.files().put("/data/file", "text");
            at.io.faults().fail_next(each.kind, error);
            EXPECT_EQ(at.run(each.attempt), std::string(each.says) + " failed: " + text);
            EXPECT_EQ(at.node.files().contents("/data/file"), "text") << "what failed has changed nothing";
            EXPECT_EQ(at.io.open_descriptors(), 0U);
        }
    }
}

// ---- the rest of weft::fs, in pieces

task<> use_everything() {
    fs::temporary_directory room = co_await fs::temporary_directory::create("/tmp");
    std::string path = room.path() + "/file";
    const std::string text = "first line\r\nsecond line\nthird";
    co_await fs::write_all_text(path, text);
    const std::vector<std::string> lines = co_await fs::read_lines(path).to_vector();
    const std::vector<std::string> expected{"first line", "second line", "third"};
    EXPECT_EQ(lines, expected);
    fs::file both = co_await fs::file::open(path, open_mode::read | open_mode::write);
    const std::array<std::span<const std::byte>, 2> out{
        std::as_bytes(std::span("FIRST", 5)), std::as_bytes(std::span("-", 1))};
    co_await both.write_vectored_at(0, out);
    std::string back(6, ' ');
    const std::array<std::span<std::byte>, 1> in{std::as_writable_bytes(std::span(back))};
    const std::size_t got = co_await both.read_vectored_at(0, in);
    EXPECT_EQ(back.substr(0, got), std::string("FIRST-").substr(0, got));
    co_await both.close();
    fs::temporary_file extra = co_await fs::temporary_file::create(room.path());
    co_await extra.opened().write(std::string_view("extra"));
    std::string kept = room.path() + "/kept";
    co_await extra.keep_as(kept);
    const std::string found = co_await fs::read_limited_text(kept, 5);
    EXPECT_EQ(found, "extra");
    fs::file nameless = co_await fs::open_unnamed(room.path());
    co_await nameless.write(std::string_view("x"));
    co_await nameless.close();
    co_await room.dispose();
}

TEST(simulated_names, everything_works_in_pieces_too) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        one_node at(seed);
        at.io.faults().short_reads();
        at.io.faults().short_writes();
        at.io.faults().disk_latency(1us, 1ms);
        at.run(&use_everything);
        EXPECT_EQ(at.names(), names());
        EXPECT_EQ(at.io.open_descriptors(), 0U);
    }
}

TEST(simulated_names, nothing_can_be_watched_here) {
    one_node at;
    EXPECT_EQ(at.run([] { return failure_of(fs::watcher::open("/data")); }),
        "watch '/data' failed: function not implemented (ENOSYS)");
}

}  // namespace
