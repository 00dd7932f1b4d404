// tests/io/directory_test.cpp: names, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "folder.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/fs/temporary.hpp"
#include "weft/task/using_async.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using fs::enumeration_options;
using fs::file_kind;

class directories : public folder_test {
protected:
    void SetUp() override {
        folder_test::SetUp();
        // a/one, a/b/two, a/b/c/three, a/link -> b
        block_on(fs::create_directories(at("a/b/c")));
        for (const char* name : {"a/one", "a/b/two", "a/b/c/three"}) block_on(fs::write_all_text(at(name), name));
        block_on(fs::create_symbolic_link("b", at("a/link")));
    }
    /// The paths behind the folder, sorted.
    std::vector<std::string> walk(const std::string& name, enumeration_options options = {}) {
        std::vector<std::string> paths;
        for (const fs::directory_entry& each : block_on(fs::enumerate(at(name), options).to_vector()))
            paths.push_back(each.path.substr(folder_.size() + 1));
        std::ranges::sort(paths);
        return paths;
    }
    using names = std::vector<std::string>;
};

TEST_F(directories, are_listed_without_what_is_below) {
    EXPECT_EQ(walk("a"), (names{"a/b", "a/link", "a/one"}));
    EXPECT_EQ(walk("a/"), (names{"a/b", "a/link", "a/one"})) << "a slash at the end is one too few to be doubled";
}

TEST_F(directories, are_walked_to_a_depth_and_not_through_links) {
    enumeration_options options;
    options.recurse = true;
    EXPECT_EQ(walk("a", options), (names{"a/b", "a/b/c", "a/b/c/three", "a/b/two", "a/link", "a/one"}));
    options.max_depth = 1;
    EXPECT_EQ(walk("a", options), (names{"a/b", "a/b/c", "a/b/two", "a/link", "a/one"}));
    options.max_depth = 0;
    EXPECT_EQ(walk("a", options), (names{"a/b", "a/link", "a/one"}));
}

TEST_F(directories, are_walked_through_links_but_never_in_circles) {
    block_on(fs::create_symbolic_link("..", at("a/b/up")));
    block_on(fs::create_symbolic_link("itself", at("a/itself")));
    enumeration_options options;
    options.recurse = options.follow_links = true;
    const names found = walk("a", options);
    EXPECT_TRUE(std::ranges::find(found, "a/link/c/three") != found.end());
    EXPECT_TRUE(std::ranges::find(found, "a/b/c/three") != found.end());
    EXPECT_TRUE(std::ranges::find(found, "a/itself") != found.end());
    EXPECT_LT(found.size(), 40U);
}

TEST_F(directories, tell_kinds_names_and_depths) {
    enumeration_options options;
    options.recurse = true;
    for (const fs::directory_entry& each : block_on(fs::enumerate(at("a"), options).to_vector())) {
        if (each.name() == "three") {
            EXPECT_EQ(each.kind, file_kind::regular);
            EXPECT_EQ(each.depth, 2U);
        }
        if (each.name() == "link") {
            EXPECT_EQ(each.kind, file_kind::link);
        }
        EXPECT_EQ(each.is_directory(), each.name() == "b" || each.name() == "c");
    }
}

task<> take_one(std::string path) {
    enumeration_options options;
    options.recurse = true;
    async_stream<fs::directory_entry> entries = fs::enumerate(std::move(path), options);
    const std::optional<fs::directory_entry> first = co_await entries.next();
    EXPECT_TRUE(first.has_value());
    co_await entries.dispose();
}

TEST_F(directories, a_walk_that_is_left_early_closes_what_is_open) {
    const int before = open_descriptors();
    block_on(take_one(at("a")));
    EXPECT_LE(open_descriptors(), before);
}

task<std::size_t> walk_until_cancelled(std::string path, cancellation_source source) {
    enumeration_options options;
    options.recurse = true;
    std::size_t count = 0;
    async_stream<fs::directory_entry> entries = fs::enumerate(std::move(path), options, source.token());
    for (;;) {
        const std::optional<fs::directory_entry> next = co_await entries.next();
        if (!next) break;
        ++count;
        source.cancel();
    }
    co_return count;
}

TEST_F(directories, a_walk_can_be_cancelled) {
    EXPECT_THROW(static_cast<void>(block_on(walk_until_cancelled(at("a"), cancellation_source()))), operation_canceled);
}

TEST_F(directories, errors_below_are_thrown_or_skipped) {
    EXPECT_THROW(walk("missing"), io_error);
    if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
    ASSERT_EQ(::chmod(at("a/b").c_str(), 0), 0);
    enumeration_options options;
    options.recurse = true;
    EXPECT_THROW(walk("a", options), io_error);
    options.skip_errors = true;
    EXPECT_EQ(walk("a", options), (names{"a/b", "a/link", "a/one"}));
    ASSERT_EQ(::chmod(at("a/b").c_str(), 0755), 0);
}

TEST_F(directories, a_large_one_is_listed_whole) {
    block_on(fs::create_directory(at("many")));
    std::set<std::string> expected;
    for (int i = 0; i < 3000; ++i) {
        const std::string name = "many/a name that is long enough to need several buffers " + std::to_string(i);
        std::fclose(std::fopen(at(name).c_str(), "w"));
        expected.insert(name);
    }
    const names found = walk("many");
    EXPECT_EQ(found.size(), 3000U);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), expected);
    EXPECT_EQ(block_on(fs::remove_all(at("many"))), 3001U);
}

TEST_F(directories, those_above_are_made_too) {
    block_on(fs::create_directories(at("x/y/z/")));
    EXPECT_TRUE(block_on(fs::stat(at("x/y/z"))).is_directory());
    block_on(fs::create_directories(at("x/y/z")));
    block_on(fs::create_directories("/"));
    EXPECT_THROW(block_on(fs::create_directories(at("a/one"))), io_error);
    EXPECT_THROW(block_on(fs::create_directories(at("a/one/below"))), io_error);
    EXPECT_THROW(block_on(fs::create_directories("")), io_error);
}

TEST_F(directories, are_removed_with_everything_in_them_but_not_behind_links) {
    block_on(fs::create_directory(at("kept")));
    block_on(fs::write_all_text(at("kept/file"), "stays"));
    block_on(fs::create_symbolic_link(at("kept"), at("a/b/c/out")));
    // a, one, link, b, two, c, three, out
    EXPECT_EQ(block_on(fs::remove_all(at("a"))), 8U);
    EXPECT_FALSE(block_on(fs::exists(at("a"))));
    EXPECT_EQ(block_on(fs::read_all_text(at("kept/file"))), "stays");
    EXPECT_EQ(block_on(fs::remove_all(at("a"))), 0U);
    EXPECT_EQ(block_on(fs::remove_all(at("kept/file"))), 1U);
}

TEST_F(directories, a_link_with_a_slash_at_its_end_is_removed_and_not_followed) {
    EXPECT_EQ(block_on(fs::remove_all(at("a/link/"))), 1U);
    EXPECT_EQ(walk("a"), (names{"a/b", "a/one"}));
    EXPECT_EQ(walk("a/b"), (names{"a/b/c", "a/b/two"}));
    block_on(fs::create_symbolic_link("b", at("a/link")));
    EXPECT_EQ(block_on(fs::remove_all(at("a/link///"))), 1U);
    EXPECT_THROW(static_cast<void>(block_on(fs::remove(at("a/b/")))), io_error);
    EXPECT_EQ(walk("a/b"), (names{"a/b/c", "a/b/two"}));
    EXPECT_EQ(block_on(fs::remove_all(at("a/b//"))), 4U);
    EXPECT_EQ(walk("a"), names{"a/one"});
}

TEST_F(directories, single_names_are_removed) {
    EXPECT_TRUE(block_on(fs::remove(at("a/link"))));
    EXPECT_FALSE(block_on(fs::remove(at("a/link"))));
    EXPECT_TRUE(block_on(fs::exists(at("a/b/two"))));
    EXPECT_FALSE(block_on(fs::remove_directory(at("missing"))));
    EXPECT_THROW(static_cast<void>(block_on(fs::remove_directory(at("a/b")))), io_error);
}

TEST_F(directories, names_change_and_errors_name_both) {
    block_on(fs::rename(at("a/one"), at("a/uno")));
    EXPECT_EQ(block_on(fs::read_all_text(at("a/uno"))), "a/one");
    block_on(fs::write_all_text(at("other"), "other"));
    EXPECT_EQ(block_on(failure_of(fs::rename_no_replace(at("a/uno"), at("other")))),
        "rename '" + at("a/uno") + "' to '" + at("other") + "' failed: file exists (EEXIST)");
    block_on(fs::rename(at("a/uno"), at("other")));
    EXPECT_EQ(block_on(fs::read_all_text(at("other"))), "a/one");
    EXPECT_EQ(block_on(failure_of(fs::rename(at("other"), "/proc/version"))),
        "rename '" + at("other") + "' to '/proc/version' failed: invalid cross-device link (EXDEV)");
    block_on(fs::sync_directory(folder_));
    EXPECT_EQ(block_on(failure_of(fs::sync_directory(at("missing")))),
        "open '" + at("missing") + "' failed: no such file or directory (ENOENT)");
}

TEST_F(directories, links_tell_where_they_lead) {
    EXPECT_EQ(block_on(fs::read_link(at("a/link"))), "b");
    EXPECT_EQ(block_on(failure_of(fs::read_link(at("a/one")))),
        "read the link '" + at("a/one") + "' failed: invalid argument (EINVAL)");
    block_on(fs::create_hard_link(at("a/one"), at("a/first")));
    const fs::file_info one = block_on(fs::stat(at("a/one"))), first = block_on(fs::stat(at("a/first")));
    EXPECT_EQ(one.inode, first.inode);
    EXPECT_EQ(one.device, first.device);
    EXPECT_EQ(one.links, 2U);
    EXPECT_TRUE(block_on(fs::stat(at("a/link"))).is_directory());
    EXPECT_TRUE(block_on(fs::stat(at("a/link"), fs::links::stay)).is_link());
    EXPECT_EQ(block_on(failure_of(fs::create_hard_link(at("a/one"), at("a/first")))),
        "link '" + at("a/one") + "' as '" + at("a/first") + "' failed: file exists (EEXIST)");
    EXPECT_EQ(block_on(failure_of(fs::create_symbolic_link("b", at("a/link")))),
        "make the link '" + at("a/link") + "' to 'b' failed: file exists (EEXIST)");
}

TEST_F(directories, a_name_tells_size_times_and_permissions) {
    const auto before = std::chrono::system_clock::now() - std::chrono::seconds(5);
    block_on(fs::write_all_text(at("file"), "12345"));
    const fs::file_info known = block_on(fs::stat(at("file")));
    EXPECT_TRUE(known.is_regular());
    EXPECT_EQ(known.size, 5U);
    EXPECT_EQ(known.links, 1U);
    EXPECT_EQ(known.owner, ::geteuid());
    EXPECT_GT(known.modified, before);
    EXPECT_LT(known.modified, std::chrono::system_clock::now() + std::chrono::seconds(5));
    EXPECT_NE(known.mode & fs::permissions::owner_read, fs::permissions::none);
    EXPECT_TRUE(block_on(fs::stat("/dev/null")).kind == file_kind::character_device);
    EXPECT_FALSE(block_on(fs::try_stat(at("missing"))).has_value());
    EXPECT_FALSE(block_on(fs::try_stat(at("file/inside"))).has_value());
    EXPECT_EQ(block_on(failure_of(fs::stat(at("missing")))),
        "ask for the state of '" + at("missing") + "' failed: no such file or directory (ENOENT)");
}

TEST_F(directories, a_cancelled_token_changes_nothing) {
    cancellation_source source;
    source.cancel();
    const cancellation_token token = source.token();
    EXPECT_THROW(block_on(fs::rename(at("a/one"), at("a/uno"), token)), operation_canceled);
    EXPECT_THROW(static_cast<void>(block_on(fs::remove(at("a/one"), token))), operation_canceled);
    EXPECT_THROW(static_cast<void>(block_on(fs::remove_all(at("a"), token))), operation_canceled);
    EXPECT_THROW(block_on(fs::create_directories(at("new"), token)), operation_canceled);
    EXPECT_THROW(block_on(fs::create_hard_link(at("a/one"), at("new"), token)), operation_canceled);
    EXPECT_THROW(block_on(fs::create_symbolic_link("b", at("new"), token)), operation_canceled);
    EXPECT_THROW(static_cast<void>(block_on(fs::exists(at("a"), token))), operation_canceled);
    EXPECT_TRUE(block_on(fs::exists(at("a/one"))));
    EXPECT_FALSE(block_on(fs::exists(at("new"))));
}

// ---- temporaries

task<std::string> use_temporary(std::string folder) {
    fs::temporary_file made = co_await fs::temporary_file::create(folder, "test-");
    EXPECT_TRUE(made.path().starts_with(folder + "/test-"));
    co_await made.opened().write(std::string_view("text"));
    const fs::file_info known = co_await made.opened().stat();
    EXPECT_EQ(known.mode, fs::permissions::owner_only);
    std::string path = made.path();
    co_await made.dispose();
    co_await made.dispose();
    EXPECT_FALSE(made.opened().is_open());
    co_return path;
}

TEST_F(directories, a_temporary_file_goes_when_it_is_disposed_of) {
    EXPECT_FALSE(block_on(fs::exists(block_on(use_temporary(folder_)))));
}

task<> drop_temporaries(std::string folder) {
    fs::temporary_file file = co_await fs::temporary_file::create(folder);
    fs::temporary_directory directory = co_await fs::temporary_directory::create(folder);
    std::string inside = directory.path() + "/inside";
    co_await fs::write_all_text(std::move(inside), "x");
}

TEST_F(directories, a_temporary_that_is_dropped_goes_soon) {
    const std::size_t before = names_in_folder();
    block_on(drop_temporaries(folder_));
    EXPECT_TRUE(eventually([&] { return names_in_folder() == before; }));
}

task<> keep_temporary(std::string folder, std::string to) {
    fs::temporary_file made = co_await fs::temporary_file::create(std::move(folder));
    co_await made.opened().write(std::string_view("kept"));
    co_await made.keep_as(std::move(to));
    co_await made.dispose();
    const std::string refused = co_await failure_of(made.keep_as("/tmp/x"));
    EXPECT_EQ(refused, "'temporary_file' has been disposed");
}

TEST_F(directories, a_temporary_file_may_be_kept) {
    const std::size_t before = names_in_folder();
    block_on(keep_temporary(folder_, at("kept")));
    EXPECT_EQ(block_on(fs::read_all_text(at("kept"))), "kept");
    EXPECT_EQ(names_in_folder(), before + 1);
}

task<> fill_temporary_directory(fs::temporary_directory& directory) {
    std::string below = directory.path() + "/a/b";
    co_await fs::create_directories(below);
    below += "/file";
    co_await fs::write_all_text(below, "x");
}

task<std::string> use_temporary_directory(std::string folder) {
    fs::temporary_directory made = co_await fs::temporary_directory::create(std::move(folder));
    std::string path = made.path();
    co_await using_async(std::move(made), &fill_temporary_directory);
    co_return path;
}

TEST_F(directories, a_temporary_directory_goes_with_everything_in_it) {
    EXPECT_FALSE(block_on(fs::exists(block_on(use_temporary_directory(folder_)))));
}

task<> use_unnamed(std::string folder) {
    fs::file made = co_await fs::open_unnamed(std::move(folder));
    co_await made.write(std::string_view("text"));
    std::array<std::byte, 8> buffer{};
    const std::size_t count = co_await made.read_at(0, buffer);
    EXPECT_EQ(count, 4U);
    co_await made.close();
}

TEST_F(directories, a_file_without_a_name_leaves_none) {
    const std::size_t before = names_in_folder();
    block_on(use_unnamed(folder_));
    EXPECT_EQ(names_in_folder(), before);
}

task<> create_and_cancel(std::string folder, int rounds) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        task<fs::temporary_file> making = fs::temporary_file::create(folder, "race-", source.token());
        source.cancel();
        try {
            fs::temporary_file made = co_await std::move(making);
            co_await made.dispose();
        } catch (const operation_canceled&) {}
    }
}

TEST_F(directories, a_cancelled_temporary_leaves_no_descriptor) { block_on(create_and_cancel(folder_, scaled(300))); }

}  // namespace
