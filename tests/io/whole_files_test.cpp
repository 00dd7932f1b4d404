// tests/io/whole_files_test.cpp: files in one call: vectors, limits, lines, replacing, copying.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using fs::copy_options;
using fs::open_mode;
using fs::permissions;

class whole_files : public folder_test {
protected:
    [[nodiscard]] std::vector<std::string> lines_of(const std::string& text, fs::line_options options = {}) {
        block_on(fs::write_all_text(at("lines"), text));
        return block_on(fs::read_lines(at("lines"), options).to_vector());
    }
    [[nodiscard]] static std::string pattern(std::size_t size) {
        std::string text(size, ' ');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 31 % 23);
        return text;
    }
    using lines = std::vector<std::string>;
};

// ---- open files

constexpr open_mode both_ways = open_mode::read | open_mode::write | open_mode::create;

task<> move_vectors(std::string path, std::size_t count) {
    fs::file both = co_await fs::file::open(std::move(path), both_ways);
    std::vector<std::string> parts;
    std::string expected;
    for (std::size_t i = 0; i < count; ++i) {
        parts.push_back("part " + std::to_string(i) + ";");
        expected += parts.back();
    }
    std::vector<std::span<const std::byte>> out;
    for (const std::string& part : parts) out.push_back(std::as_bytes(std::span(part)));
    co_await both.write_vectored(out);
    co_await both.write_vectored_at(expected.size(), out);
    std::string back(expected.size() * 2, ' ');
    std::vector<std::span<std::byte>> in;
    const std::span<std::byte> room = std::as_writable_bytes(std::span(back));
    in.push_back(room.first(3));
    in.push_back(room.subspan(3, 0));
    in.push_back(room.subspan(3));
    const std::size_t got = co_await both.read_vectored_at(0, in);
    EXPECT_EQ(got, back.size());
    EXPECT_EQ(back, expected + expected);
    // write_vectored() moved the position; read_vectored() goes on there.
    const std::size_t next = co_await both.read_vectored(in);
    EXPECT_EQ(next, expected.size());
    const std::span<const std::span<const std::byte>> nothing;
    co_await both.write_vectored(nothing);
    co_await both.close();
    const std::string closed = co_await failure_of(both.write_vectored(out));
    EXPECT_EQ(closed, "'file' has been disposed");
}

TEST_F(whole_files, several_buffers_go_as_one) {
    for (const std::size_t count : {1U, 3U, 16U, 17U, 1500U}) {
        block_on(move_vectors(at("vectors"), count));
        block_on(fs::remove(at("vectors")));
    }
}

task<std::string> write_two(const char* path) {
    fs::file full = co_await fs::file::open(path, open_mode::write);
    const std::string text = "text";
    const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(text))};
    const std::string failed = co_await failure_of(full.write_vectored(parts));
    co_return failed;
}

TEST_F(whole_files, a_full_disk_is_an_error_that_names_the_file) {
    const std::string expected = "write to '/dev/full' failed: no space left on device (ENOSPC)";
    EXPECT_EQ(block_on(failure_of(fs::write_all_text("/dev/full", "x"))), expected);
    EXPECT_EQ(block_on(write_two("/dev/full")), expected);
}

task<> change_sizes(std::string path) {
    fs::file both = co_await fs::file::open(path, both_ways, permissions::owner_only);
    co_await both.write(std::string_view("0123456789"));
    co_await both.truncate(4);
    fs::file_info known = co_await both.stat();
    EXPECT_EQ(known.size, 4U);
    EXPECT_EQ(known.mode, permissions::owner_only);
    co_await both.allocate(8192, true);
    known = co_await both.stat();
    EXPECT_EQ(known.size, 4U);
    EXPECT_GE(known.allocated, 8192U);
    co_await both.allocate(8192);
    known = co_await both.stat();
    EXPECT_EQ(known.size, 8192U);
    co_await both.set_permissions(permissions::owner_read);
    known = co_await both.stat();
    EXPECT_EQ(known.mode, permissions::owner_read);
    co_await both.close();
    fs::file reader = co_await fs::file::open(path);
    const std::string refused = co_await failure_of(reader.truncate(0));
    EXPECT_EQ(refused, "change the size of '" + path + "' failed: invalid argument (EINVAL)");
    const std::string no_room = co_await failure_of(reader.allocate(10));
    EXPECT_EQ(no_room, "allocate room for '" + path + "' failed: bad file descriptor (EBADF)");
}

TEST_F(whole_files, sizes_room_and_permissions_change) { block_on(change_sizes(at("file"))); }

TEST_F(whole_files, a_link_at_the_end_may_be_refused) {
    block_on(fs::write_all_text(at("file"), "x"));
    block_on(fs::create_symbolic_link("file", at("link")));
    EXPECT_EQ(block_on(failure_of(fs::file::open(at("link"), open_mode::read | open_mode::no_follow))),
        "open '" + at("link") + "' failed: too many levels of symbolic links (ELOOP)");
    EXPECT_TRUE(block_on(fs::file::open(at("link"), open_mode::write | open_mode::write_through)).is_open());
}

// ---- what is no regular file

task<> talk_through_a_pipe(std::string path) {
    fs::file pipe = co_await fs::file::open(path, open_mode::read | open_mode::write);
    std::array<std::byte, 8> buffer{};
    task<std::size_t> reading = pipe.read(buffer);
    EXPECT_FALSE(reading.is_completed());
    co_await pipe.write(std::string_view("one"));
    std::size_t count = co_await std::move(reading);
    EXPECT_EQ(count, 3U);
    const std::array<std::span<std::byte>, 2> room{std::span(buffer).first(2), std::span(buffer).subspan(2)};
    reading = pipe.read_vectored(room);
    EXPECT_FALSE(reading.is_completed());
    const std::string text = "more";
    const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(text))};
    co_await pipe.write_vectored(parts);
    count = co_await std::move(reading);
    EXPECT_EQ(count, 4U);
    cancellation_source source;
    reading = pipe.read_vectored(room, source.token());
    source.cancel();
    const std::string canceled = co_await failure_of(std::move(reading));
    EXPECT_NE(canceled, "");
    co_await pipe.close();
}

TEST_F(whole_files, nobody_waits_inside_a_read_of_a_pipe) {
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    block_on(talk_through_a_pipe(at("pipe")));
    EXPECT_EQ(block_on(fs::stat(at("pipe"))).kind, fs::file_kind::fifo);
}

// ---- limits and lines

TEST_F(whole_files, what_is_too_long_is_refused) {
    block_on(fs::write_all_text(at("file"), "12345"));
    EXPECT_EQ(block_on(fs::read_limited_text(at("file"), 5)), "12345");
    EXPECT_EQ(block_on(fs::read_limited_bytes(at("file"), 5)).size(), 5U);
    EXPECT_EQ(block_on(failure_of(fs::read_limited_text(at("file"), 4))), "'" + at("file") + "' is longer than 4 bytes");
    // One that does not tell its size.
    EXPECT_THROW(static_cast<void>(block_on(fs::read_limited_text("/proc/self/status", 10))), std::length_error);
    EXPECT_GT(block_on(fs::read_limited_text("/proc/self/status", 1 << 20)).size(), 100U);
}

TEST_F(whole_files, lines_end_in_either_way) {
    EXPECT_EQ(lines_of(""), lines());
    EXPECT_EQ(lines_of("one"), lines{"one"});
    EXPECT_EQ(lines_of("one\n"), lines{"one"});
    EXPECT_EQ(lines_of("\n"), lines{""});
    EXPECT_EQ(lines_of("one\r\ntwo\n\r\nfour"), (lines{"one", "two", "", "four"}));
    EXPECT_EQ(lines_of("a\rb\r\n\rc\r"), (lines{"a\rb", "\rc\r"})) << "a CR alone ends nothing";
}

TEST_F(whole_files, lines_are_the_same_whatever_the_reads_give) {
    const std::string text = "first\r\nsecond\n\nlast one\r\nwithout";
    const lines expected{"first", "second", "", "last one", "without"};
    for (std::size_t size = 1; size <= text.size() + 1; ++size) {
        fs::line_options options;
        options.buffer = size;
        EXPECT_EQ(lines_of(text, options), expected) << size;
    }
    fs::line_options nothing;
    nothing.buffer = 0;
    EXPECT_THROW(static_cast<void>(lines_of(text, nothing)), std::invalid_argument);
}

TEST_F(whole_files, a_line_that_is_too_long_is_refused) {
    fs::line_options options;
    options.longest = 5;
    EXPECT_EQ(lines_of("12345\r\n12345\n12345", options).size(), 3U);
    for (const std::size_t size : {1U, 6U, 64U}) {
        options.buffer = size;
        EXPECT_EQ(lines_of("12345\r\n", options), lines{"12345"}) << size;
        EXPECT_THROW(static_cast<void>(lines_of("1\n123456\n", options)), std::length_error) << size;
        EXPECT_THROW(static_cast<void>(lines_of("123456", options)), std::length_error) << size;
    }
}

task<std::size_t> count_lines(std::string path, std::size_t most) {
    async_stream<std::string> lines = fs::read_lines(std::move(path));
    std::size_t count = 0;
    while (count < most) {
        const std::optional<std::string> line = co_await lines.next();
        if (!line) break;
        ++count;
    }
    co_await lines.dispose();
    co_return count;
}

TEST_F(whole_files, lines_that_nobody_takes_are_not_read) {
    block_on(fs::write_all_text(at("file"), "a\nb\nc\n"));
    const int before = open_descriptors();
    EXPECT_EQ(block_on(count_lines(at("file"), 2)), 2U);
    EXPECT_LE(open_descriptors(), before);
    cancellation_source source;
    source.cancel();
    EXPECT_THROW(
        static_cast<void>(block_on(fs::read_lines(at("file"), {}, source.token()).to_vector())), operation_canceled);
    async_stream<std::string> other = fs::read_lines(at("file"));
    other.with_cancellation(source.token());
    EXPECT_THROW(static_cast<void>(block_on(std::move(other).to_vector())), operation_canceled);
}

// ---- replacing

TEST_F(whole_files, a_replaced_file_keeps_its_permissions) {
    block_on(fs::write_all_text(at("file"), "old"));
    ASSERT_EQ(::chmod(at("file").c_str(), 0604), 0);
    block_on(fs::replace_all_text(at("file"), "new"));
    EXPECT_EQ(block_on(fs::read_all_text(at("file"))), "new");
    EXPECT_EQ(static_cast<int>(block_on(fs::stat(at("file"))).mode), 0604);
    EXPECT_EQ(names_in_folder(), 1U) << "nothing is left beside it";
}

TEST_F(whole_files, a_new_file_is_made_as_any_other) {
    block_on(fs::replace_all_text(at("replaced"), "text"));
    block_on(fs::write_all_text(at("written"), "text"));
    EXPECT_EQ(block_on(fs::stat(at("replaced"))).mode, block_on(fs::stat(at("written"))).mode);
}

TEST_F(whole_files, a_reader_of_the_old_file_is_not_disturbed) {
    block_on(fs::write_all_text(at("file"), "old"));
    fs::file reader = block_on(fs::file::open(at("file")));
    block_on(fs::replace_all_bytes(at("file"), std::as_bytes(std::span("new", 3))));
    std::array<std::byte, 8> buffer{};
    EXPECT_EQ(block_on(reader.read(buffer).as_task()), 3U);
    EXPECT_EQ(buffer[0], std::byte{'o'});
    block_on(reader.close());
}

TEST_F(whole_files, replacing_goes_through_links) {
    block_on(fs::create_directory(at("below")));
    block_on(fs::write_all_text(at("below/file"), "old"));
    block_on(fs::create_symbolic_link("below/file", at("link")));
    block_on(fs::create_symbolic_link("link", at("second")));
    block_on(fs::replace_all_text(at("second"), "new"));
    EXPECT_EQ(block_on(fs::read_all_text(at("below/file"))), "new");
    EXPECT_TRUE(block_on(fs::stat(at("second"), fs::links::stay)).is_link());
    block_on(fs::create_symbolic_link("circle", at("circle")));
    EXPECT_EQ(block_on(failure_of(fs::replace_all_text(at("circle"), "x"))),
        "replace '" + at("circle") + "' failed: too many levels of symbolic links (ELOOP)");
}

TEST_F(whole_files, what_is_no_file_is_not_replaced) {
    EXPECT_EQ(block_on(failure_of(fs::replace_all_text(folder_, "x"))),
        "replace '" + folder_ + "' failed: is a directory (EISDIR)");
    EXPECT_EQ(block_on(failure_of(fs::replace_all_text("/dev/null", "x"))),
        "replace '/dev/null' failed: invalid argument (EINVAL)");
    EXPECT_THROW(block_on(fs::replace_all_text(at("missing/file"), "x")), io_error);
}

task<> replace_and_cancel(std::string path, int rounds) {
    const std::string text(100'000, 'n');
    for (int round = 0; round < rounds; ++round) {
        co_await fs::write_all_text(path, "old");
        cancellation_source source;
        task<> replacing = fs::replace_all_text(path, text, source.token());
        for (int i = 0; i < round % 8; ++i) static_cast<void>(co_await fs::exists(path));
        source.cancel();
        bool replaced = true;
        try {
            co_await std::move(replacing);
        } catch (const operation_canceled&) {
            replaced = false;
        }
        const std::string left = co_await fs::read_all_text(path);
        EXPECT_EQ(left.size(), replaced ? text.size() : 3U);
    }
}

TEST_F(whole_files, a_cancelled_replacement_happened_or_left_nothing) {
    block_on(replace_and_cancel(at("file"), scaled(100)));
    EXPECT_EQ(names_in_folder(), 1U);
}

// ---- copying

TEST_F(whole_files, a_copy_has_the_bytes_and_permissions) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, std::size_t{9} << 20}) {
        const std::string text = pattern(size);
        block_on(fs::write_all_text(at("from"), text));
        ASSERT_EQ(::chmod(at("from").c_str(), 0640), 0);
        EXPECT_EQ(block_on(fs::copy(at("from"), at("to"))), size);
        EXPECT_EQ(block_on(fs::read_all_text(at("to"))), text);
        EXPECT_EQ(static_cast<int>(block_on(fs::stat(at("to"))).mode), 0640);
        block_on(fs::remove(at("to")));
    }
}

TEST_F(whole_files, a_file_that_does_not_tell_its_size_is_copied_too) {
    EXPECT_GT(block_on(fs::copy("/proc/self/status", at("to"))), 100U);
    EXPECT_EQ(block_on(fs::read_all_text(at("to"))).substr(0, 5), "Name:");
    copy_options options;
    options.sync = true;
    EXPECT_EQ(
        block_on(fs::copy("/proc/version", at("version"), options)), block_on(fs::read_all_text("/proc/version")).size());
}

TEST_F(whole_files, a_copy_replaces_only_when_told) {
    block_on(fs::write_all_text(at("from"), "new"));
    block_on(fs::write_all_text(at("to"), "old and longer"));
    EXPECT_EQ(block_on(failure_of(fs::copy(at("from"), at("to")))), "open '" + at("to") + "' failed: file exists (EEXIST)");
    EXPECT_EQ(block_on(fs::read_all_text(at("to"))), "old and longer");
    copy_options options;
    options.overwrite = true;
    block_on(fs::copy(at("from"), at("to"), options));
    EXPECT_EQ(block_on(fs::read_all_text(at("to"))), "new");
    options.keep_partial = true;
    block_on(fs::copy(at("from"), at("to"), options));
    EXPECT_EQ(block_on(fs::read_all_text(at("to"))), "new");
    EXPECT_THROW(static_cast<void>(block_on(fs::copy(at("to"), at("to"), options))), io_error);
    EXPECT_EQ(block_on(fs::read_all_text(at("to"))), "new") << "a file is not copied onto itself";
    EXPECT_EQ(names_in_folder(), 2U);
}

TEST_F(whole_files, a_copy_that_fails_leaves_nothing) {
    EXPECT_THROW(static_cast<void>(block_on(fs::copy(at("missing"), at("to")))), io_error);
    EXPECT_THROW(static_cast<void>(block_on(fs::copy(folder_, at("to")))), io_error);
    EXPECT_EQ(names_in_folder(), 0U);
}

/// Looks at the names beside a copy while it is made.
struct watching_sink final : progress_sink<std::uint64_t> {
    std::string folder;
    std::vector<std::string> seen;
    void report(std::uint64_t) override {
        for (const auto& each : std::filesystem::directory_iterator(folder)) {
            const std::string name = each.path().filename().string();
            if (name.starts_with('.')) seen.push_back(name);
        }
    }
};

TEST_F(whole_files, names_may_be_as_long_as_the_file_system_takes) {
    block_on(fs::write_all_text(at("from"), "new"));
    watching_sink sink;
    sink.folder = folder_;
    copy_options options;
    options.overwrite = true;
    options.progress = &sink;
    for (const std::size_t length : {241U, 242U, 243U, 244U, 255U}) {
        // Two bytes a letter, and one so that the limit is in the middle of a letter or is not.
        for (const std::string& start : {std::string(length % 2, 'x'), std::string(length % 2 + 2, 'x')}) {
            std::string name = start;
            while (name.size() < length) name += "\u00e9";
            block_on(fs::replace_all_text(at(name), "old"));
            block_on(fs::replace_all_text(at(name), "newer"));
            EXPECT_EQ(block_on(fs::read_all_text(at(name))), "newer");
            sink.seen.clear();
            block_on(fs::copy(at("from"), at(name), options));
            EXPECT_EQ(block_on(fs::read_all_text(at(name))), "new");
            ASSERT_FALSE(sink.seen.empty());
            // Dot, the name's beginning, dot and twelve letters: no half letter in front of the second dot.
            const std::string kept = sink.seen.front().substr(1, sink.seen.front().size() - 14);
            EXPECT_TRUE(name.starts_with(kept));
            EXPECT_GE(kept.size(), 240U);
            EXPECT_EQ(kept.size() % 2, name.size() % 2);
        }
    }
    EXPECT_EQ(names_in_folder(), 11U) << "nothing is left beside";
}

struct cancelling_sink final : progress_sink<std::uint64_t> {
    cancellation_source source;
    std::vector<std::uint64_t> seen;
    std::uint64_t limit = 0;
    void report(std::uint64_t value) override {
        seen.push_back(value);
        if (limit != 0 && value >= limit) source.cancel();
    }
};

TEST_F(whole_files, a_copy_says_how_far_it_is) {
    const std::string text = pattern(std::size_t{20} << 20);
    block_on(fs::write_all_text(at("from"), text));
    cancelling_sink sink;
    copy_options options;
    options.progress = &sink;
    block_on(fs::copy(at("from"), at("to"), options));
    ASSERT_FALSE(sink.seen.empty());
    EXPECT_GT(sink.seen.size(), 1U);
    EXPECT_TRUE(std::ranges::is_sorted(sink.seen));
    EXPECT_EQ(sink.seen.back(), text.size());
}

TEST_F(whole_files, a_cancelled_copy_leaves_no_half_target_unless_asked) {
    block_on(fs::write_all_text(at("from"), pattern(std::size_t{20} << 20)));
    block_on(fs::write_all_text(at("old"), "old"));
    cancelling_sink first;
    first.limit = 1;
    copy_options options;
    options.progress = &first;
    EXPECT_THROW(
        static_cast<void>(block_on(fs::copy(at("from"), at("to"), options, first.source.token()))), operation_canceled);
    EXPECT_FALSE(block_on(fs::exists(at("to"))));

    cancelling_sink second;
    second.limit = 1;
    options.progress = &second;
    options.overwrite = true;
    EXPECT_THROW(
        static_cast<void>(block_on(fs::copy(at("from"), at("old"), options, second.source.token()))), operation_canceled);
    EXPECT_EQ(block_on(fs::read_all_text(at("old"))), "old");
    EXPECT_EQ(names_in_folder(), 2U);

    cancelling_sink third;
    third.limit = 1;
    options.progress = &third;
    options.keep_partial = true;
    EXPECT_THROW(
        static_cast<void>(block_on(fs::copy(at("from"), at("old"), options, third.source.token()))), operation_canceled);
    EXPECT_EQ(block_on(fs::stat(at("old"))).size, third.seen.back());
}

}  // namespace
