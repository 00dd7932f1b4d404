// tests/io/watcher_test.cpp: what happens in a directory, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "folder.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/fs/watcher.hpp"
#include "weft/io/kernel_shim.hpp"
#include "weft/scheduling/run.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using fs::change;
using fs::watch_event;
using fs::watch_options;
using fs::watcher;

class watching : public folder_test {
protected:
    [[nodiscard]] static watch_options tree() {
        watch_options options;
        options.recurse = true;
        options.report_modified = false;
        return options;
    }
    void write(const std::string& name, const std::string& text = "x") const { std::ofstream(at(name)) << text; }
    void move(const std::string& from, const std::string& to) const { std::filesystem::rename(at(from), at(to)); }
    /// "created dir name"
    [[nodiscard]] std::string told(const watch_event& event) const {
        static constexpr const char* names[] = {
            "created", "removed", "modified", "attributes", "moved_from", "moved_to", "overflow", "gone"};
        std::string text = names[static_cast<int>(event.what)];
        if (event.is_directory) text += " dir";
        if (event.path.size() > folder_.size()) text += " " + event.path.substr(folder_.size() + 1);
        return text;
    }
    /// The next events up to the one that reads so, that one included.
    std::vector<std::string> until(async_stream<watch_event>& events, const std::string& last) const {
        std::vector<std::string> seen;
        while (seen.empty() || seen.back() != last) {
            const std::optional<watch_event> event = block_on(events.next().as_task());
            if (!event) break;
            seen.push_back(told(*event));
        }
        return seen;
    }
    using told_events = std::vector<std::string>;
};

TEST_F(watching, sees_files_come_change_and_go) {
    watcher here = block_on(watcher::open(folder_));
    async_stream<watch_event> events = here.events();
    write("file");
    std::filesystem::remove(at("file"));
    EXPECT_EQ(until(events, "removed file"), (told_events{"created file", "modified file", "removed file"}));
    block_on(here.close());
    EXPECT_FALSE(block_on(events.next().as_task()).has_value());
}

TEST_F(watching, misses_nothing_between_opening_and_asking) {
    watcher here = block_on(watcher::open(folder_, tree()));
    write("early");
    async_stream<watch_event> events = here.events();
    EXPECT_EQ(until(events, "created early"), told_events{"created early"});
    block_on(events.dispose());
}

TEST_F(watching, the_halves_of_a_move_have_one_cookie) {
    write("one");
    watcher here = block_on(watcher::open(folder_, tree()));
    async_stream<watch_event> events = here.events();
    move("one", "two");
    const watch_event from = block_on(events.next().as_task()).value();
    const watch_event to = block_on(events.next().as_task()).value();
    EXPECT_EQ(told(from), "moved_from one");
    EXPECT_EQ(told(to), "moved_to two");
    EXPECT_EQ(from.cookie, to.cookie);
    EXPECT_NE(from.cookie, 0U);
    block_on(events.dispose());
}

TEST_F(watching, a_tree_is_watched_where_it_grows) {
    std::filesystem::create_directories(at("a/b"));
    watcher here = block_on(watcher::open(folder_, tree()));
    async_stream<watch_event> events = here.events();
    write("a/b/old");
    EXPECT_EQ(until(events, "created a/b/old"), told_events{"created a/b/old"});
    std::filesystem::create_directory(at("a/new"));
    EXPECT_EQ(until(events, "created dir a/new"), told_events{"created dir a/new"});
    // The watch is set while the next event is asked for: what is made before that is found by listing.
    write("a/new/file");
    EXPECT_EQ(until(events, "created a/new/file"), told_events{"created a/new/file"});
    block_on(events.dispose());
}

TEST_F(watching, what_is_in_a_new_directory_is_reported) {
    watcher here = block_on(watcher::open(folder_, tree()));
    async_stream<watch_event> events = here.events();
    std::filesystem::create_directories(at("a/b/c"));
    write("a/b/c/file");
    const told_events seen = until(events, "created a/b/c/file");
    EXPECT_EQ(seen.front(), "created dir a");
    EXPECT_TRUE(std::ranges::find(seen, "created dir a/b/c") != seen.end());
    block_on(events.dispose());
}

TEST_F(watching, a_moved_directory_is_known_by_its_new_name) {
    std::filesystem::create_directories(at("a/below"));
    watcher here = block_on(watcher::open(folder_, tree()));
    async_stream<watch_event> events = here.events();
    move("a", "b");
    write("b/below/file");
    EXPECT_EQ(
        until(events, "created b/below/file"), (told_events{"moved_from dir a", "moved_to dir b", "created b/below/file"}));
    block_on(events.dispose());
}

TEST_F(watching, a_directory_renamed_before_anybody_looked_is_watched_by_its_new_name) {
    watcher here = block_on(watcher::open(folder_, tree()));
    async_stream<watch_event> events = here.events();
    std::filesystem::create_directories(at("tmp/below"));
    write("tmp/file");
    move("tmp", "final");
    const told_events seen = until(events, "created final/file");
    EXPECT_EQ((told_events(seen.begin(), seen.begin() + 3)),
        (told_events{"created dir tmp", "moved_from dir tmp", "moved_to dir final"}));
    // All of it is watched by now, or found by listing.
    write("final/later");
    until(events, "created final/later");
    write("final/below/deep");
    until(events, "created final/below/deep");
    block_on(events.dispose());
}

TEST_F(watching, a_new_directory_of_a_moved_ones_name_keeps_its_own) {
    for (const bool was_watched : {true, false}) {
        const std::string a = was_watched ? "a" : "c";
        const std::string b = was_watched ? "b" : "d";
        if (was_watched) std::filesystem::create_directory(at(a));
        watcher here = block_on(watcher::open(folder_, tree()));
        async_stream<watch_event> events = here.events();
        if (!was_watched) std::filesystem::create_directory(at(a));
        move(a, b);
        std::filesystem::create_directory(at(a));
        write("last");
        until(events, "created last");
        for (const std::string& each : {a, b}) {
            write(each + "/file");
            write(each + "/other");
            EXPECT_EQ(until(events, "created " + each + "/other").front(), "created " + each + "/file");
        }
        block_on(events.dispose());
        std::filesystem::remove(at("last"));
    }
}

TEST_F(watching, a_directory_moved_twice_before_anybody_looked_has_its_last_name) {
    std::filesystem::create_directories(at("a/below"));
    watcher here = block_on(watcher::open(folder_, tree()));
    async_stream<watch_event> events = here.events();
    move("a", "b");
    move("b", "c");
    write("last");
    until(events, "created last");
    write("c/below/file");
    EXPECT_EQ(until(events, "created c/below/file"), told_events{"created c/below/file"});
    block_on(events.dispose());
}

TEST_F(watching, a_directory_that_was_moved_away_is_let_go) {
    std::filesystem::create_directories(at("tree/a/below"));
    watch_options options = tree();
    watcher here = block_on(watcher::open(at("tree"), options));
    async_stream<watch_event> events = here.events();
    move("tree/a", "elsewhere");
    write("tree/first");
    EXPECT_EQ(until(events, "created tree/first"), (told_events{"moved_from dir tree/a", "created tree/first"}));
    write("elsewhere/below/unseen");
    write("tree/second");
    EXPECT_EQ(until(events, "created tree/second"), told_events{"created tree/second"});
    move("elsewhere", "tree/back");
    write("tree/back/below/file");
    const told_events seen = until(events, "created tree/back/below/file");
    EXPECT_EQ(seen.front(), "moved_to dir tree/back");
    EXPECT_TRUE(std::ranges::find(seen, "created dir tree/back/below") != seen.end());
    block_on(events.dispose());
}

TEST_F(watching, says_when_the_directory_itself_goes) {
    std::filesystem::create_directory(at("a"));
    watcher here = block_on(watcher::open(at("a/")));
    async_stream<watch_event> events = here.events();
    std::filesystem::remove(at("a"));
    EXPECT_EQ(until(events, "gone dir a"), told_events{"gone dir a"});
    block_on(events.dispose());
}

TEST_F(watching, nothing_comes_of_a_directory_that_was_moved_away) {
    for (const bool recurse : {false, true}) {
        std::filesystem::create_directories(at("a/below"));
        watch_options options = tree();
        options.recurse = recurse;
        cancellation_source source;
        watcher here = block_on(watcher::open(at("a"), options));
        async_stream<watch_event> events = here.events(source.token());
        move("a", "b");
        write("b/file");
        write("b/below/file");
        std::filesystem::create_directory(at("a"));
        write("a/unseen");
        EXPECT_EQ(until(events, "gone dir a"), told_events{"gone dir a"});
        // What the kernel has told already is looked at before the wait is found to be cancelled.
        source.cancel();
        EXPECT_THROW(static_cast<void>(block_on(events.next().as_task())), operation_canceled);
        std::filesystem::remove_all(at("a"));
        std::filesystem::remove_all(at("b"));
    }
}

TEST_F(watching, attributes_are_reported_when_asked_for) {
    write("file");
    watch_options options;
    options.report_attributes = true;
    watcher here = block_on(watcher::open(folder_, options));
    async_stream<watch_event> events = here.events();
    std::filesystem::permissions(at("file"), std::filesystem::perms::owner_read);
    EXPECT_EQ(until(events, "attributes file"), told_events{"attributes file"});
    block_on(events.dispose());
}

TEST_F(watching, lost_changes_are_reported_as_an_overflow) {
    std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
    int most = 0;
    limit >> most;
    if (most <= 0 || most > 100'000) GTEST_SKIP() << "the kernel's queue is too long to fill: " << most;
    watch_options options;
    options.report_modified = false;
    watcher here = block_on(watcher::open(folder_, options));
    // Two events a round, and equal neighbours would be merged: so by turns.
    for (int i = 0; i <= most / 2 + 1; ++i) {
        ::close(::open(at("file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        ::unlink(at("file").c_str());
    }
    async_stream<watch_event> events = here.events();
    EXPECT_EQ(until(events, "overflow").size(), static_cast<std::size_t>(most) + 1);
    write("after");
    EXPECT_EQ(until(events, "created after"), told_events{"created after"});
    block_on(events.dispose());
}

TEST_F(watching, what_cannot_be_watched_says_why) {
    EXPECT_EQ(block_on(failure_of(watcher::open(at("missing")))),
        "watch '" + at("missing") + "' failed: no such file or directory (ENOENT)");
    write("file");
    EXPECT_EQ(
        block_on(failure_of(watcher::open(at("file")))), "watch '" + at("file") + "' failed: not a directory (ENOTDIR)");
    watcher none;
    EXPECT_FALSE(none.is_open());
    EXPECT_THROW(static_cast<void>(none.events()), object_disposed);
    block_on(none.close());
}

// ---- ending

task<std::string> wait_for_one(watcher& here, cancellation_token token) {
    async_stream<watch_event> events = here.events(std::move(token));
    try {
        const std::optional<watch_event> event = co_await events.next();
        co_return event ? "event" : "end";
    } catch (const operation_canceled&) {
        co_return "canceled";
    }
}

TEST_F(watching, a_wait_is_cancelled_and_the_watcher_stays) {
    watcher here = block_on(watcher::open(folder_));
    cancellation_source source;
    task<std::string> waiting = run([&] { return wait_for_one(here, source.token()); });
    source.cancel();
    EXPECT_EQ(block_on(std::move(waiting)), "canceled");
    write("file");
    EXPECT_EQ(block_on(wait_for_one(here, cancellation_token())), "event");
    block_on(here.close());
    EXPECT_THROW(static_cast<void>(here.events()), object_disposed);
}

/// Cancels when the third directory is about to be watched.
class cancelling_shim final : public kernel_shim {
public:
    cancelling_shim() { set_kernel_shim(this); }
    ~cancelling_shim() { set_kernel_shim(nullptr); }
    [[nodiscard]] cancellation_token token() const { return source_.token(); }
    [[nodiscard]] int count() const noexcept { return count_; }
    [[nodiscard]] int refuse(const io_operation& operation) noexcept override {
        if (operation.kind == io_kind::watch_path && ++count_ == 3) source_.cancel();
        return 0;
    }

private:
    cancellation_source source_;
    std::atomic<int> count_ = 0;
};

TEST_F(watching, a_tree_is_no_longer_walked_once_cancelled) {
    for (int i = 0; i < 20; ++i) std::filesystem::create_directories(at("a" + std::to_string(i) + "/b"));
    cancelling_shim shim;
    EXPECT_THROW(static_cast<void>(block_on(watcher::open(folder_, tree(), shim.token()))), operation_canceled);
    EXPECT_EQ(shim.count(), 3);
}

TEST_F(watching, closing_ends_a_wait) {
    watcher here = block_on(watcher::open(folder_));
    async_stream<watch_event> events = here.events();
    task<std::optional<watch_event>> waiting = events.next().as_task();
    block_on(here.close());
    EXPECT_FALSE(block_on(std::move(waiting)).has_value());
}

TEST_F(watching, a_watcher_that_goes_ends_a_wait) {
    auto here = std::make_unique<watcher>(block_on(watcher::open(folder_)));
    async_stream<watch_event> events = here->events();
    task<std::optional<watch_event>> waiting = events.next().as_task();
    here.reset();
    EXPECT_FALSE(block_on(std::move(waiting)).has_value());
}

}  // namespace
