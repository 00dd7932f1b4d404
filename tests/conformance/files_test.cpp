// tests/conformance/files_test.cpp: files below fs::file: the answers of open, read, write, sync and stat on every driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "backends.hpp"

namespace {
using namespace weft;
using namespace weft_test;

task<int> open_file(stage& on, const std::string& path, int flags) {
    co_return co_await perform(
        on, io_kind::open, -1, path.c_str(), 0644, io_operation::no_offset, static_cast<std::uint32_t>(flags));
}

task<int> write_at(stage& on, int fd, std::string_view text, std::uint64_t offset = io_operation::no_offset) {
    std::size_t done = 0;
    do {
        const std::uint64_t at = offset == io_operation::no_offset ? offset : offset + done;
        const int count = co_await perform(on, io_kind::write, fd, text.data() + done, text.size() - done, at);
        if (count < 0) co_return count;
        done += static_cast<std::size_t>(count);
    } while (done < text.size());
    co_return static_cast<int>(done);
}

/// Up to `size` bytes, fewer only at the end of the file.
task<std::string> read_at(stage& on, int fd, std::size_t size, std::uint64_t offset = io_operation::no_offset) {
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const std::uint64_t at = offset == io_operation::no_offset ? offset : offset + done;
        const int count = co_await perform(on, io_kind::read, fd, text.data() + done, size - done, at);
        EXPECT_GE(count, 0);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    co_return text;
}

task<int> close_file(stage& on, int fd) { return perform(on, io_kind::close, fd); }

/// A new file with something in it, open to read and write.
task<int> new_file(stage& on, const std::string& path, std::string_view text) {
    const int fd = co_await open_file(on, path, O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_GE(fd, 0);
    const int count = co_await write_at(on, fd, text, 0);
    EXPECT_EQ(count, static_cast<int>(text.size()));
    co_return fd;
}

task<std::uint64_t> size_of(stage& on, int fd) {
    const auto answer = std::make_unique<struct statx>();
    const int failed =
        co_await perform(on, io_kind::stat, fd, answer.get(), 0, io_operation::no_offset, STATX_SIZE | STATX_TYPE);
    EXPECT_EQ(failed, 0);
    EXPECT_TRUE(S_ISREG(answer->stx_mode));
    co_return answer->stx_size;
}
}  // namespace

DRIVER_CASE(a_missing_file_is_not_found) {
    const std::string path = on.folder + "/missing";
    const int fd = co_await open_file(on, path, O_RDONLY);
    EXPECT_EQ(fd, -ENOENT);
}

DRIVER_CASE(a_missing_folder_is_not_found) {
    const std::string path = on.folder + "/missing/file";
    const int fd = co_await open_file(on, path, O_RDWR | O_CREAT);
    EXPECT_EQ(fd, -ENOENT);
}

DRIVER_CASE(an_empty_path_is_not_found) {
    const std::string path;
    const int fd = co_await open_file(on, path, O_RDONLY);
    EXPECT_EQ(fd, -ENOENT);
}

DRIVER_CASE(a_file_is_no_folder) {
    const std::string path = on.folder + "/file";
    const std::string inside = path + "/inside";
    const int fd = co_await new_file(on, path, "x");
    const int failed = co_await open_file(on, inside, O_RDONLY);
    EXPECT_EQ(failed, -ENOTDIR);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_folder_is_no_file) {
    const int failed = co_await open_file(on, on.folder, O_RDWR);
    EXPECT_EQ(failed, -EISDIR);
    const int folder = co_await open_file(on, on.folder, O_RDONLY);
    EXPECT_GE(folder, 0);
    char byte = 0;
    const int count = co_await perform(on, io_kind::read, folder, &byte, 1);
    EXPECT_EQ(count, -EISDIR);
    co_await close_file(on, folder);
}

DRIVER_CASE(what_is_written_is_read_by_another_handle) {
    const std::string path = on.folder + "/file";
    const int writer = co_await new_file(on, path, "first line\n");
    const int reader = co_await open_file(on, path, O_RDONLY);
    const std::string text = co_await read_at(on, reader, 100, 0);
    EXPECT_EQ(text, "first line\n");
    co_await write_at(on, writer, "FIRST", 0);
    const std::string again = co_await read_at(on, reader, 5, 0);
    EXPECT_EQ(again, "FIRST");
    co_await close_file(on, writer);
    const std::string still = co_await read_at(on, reader, 100, 6);
    EXPECT_EQ(still, "line\n");
    co_await close_file(on, reader);
}

DRIVER_CASE(a_file_outlives_its_handles) {
    const std::string path = on.folder + "/file";
    const int first = co_await new_file(on, path, "kept");
    co_await close_file(on, first);
    const int second = co_await open_file(on, path, O_RDWR);
    const std::string text = co_await read_at(on, second, 10, 0);
    EXPECT_EQ(text, "kept");
    co_await close_file(on, second);
}

DRIVER_CASE(exclusive_means_new) {
    const std::string path = on.folder + "/exclusive";
    const int first = co_await open_file(on, path, O_WRONLY | O_CREAT | O_EXCL);
    EXPECT_GE(first, 0);
    const int second = co_await open_file(on, path, O_WRONLY | O_CREAT | O_EXCL);
    EXPECT_EQ(second, -EEXIST);
    co_await close_file(on, first);
}

DRIVER_CASE(truncating_empties) {
    const std::string path = on.folder + "/file";
    const int first = co_await new_file(on, path, "something");
    const int second = co_await open_file(on, path, O_RDWR | O_TRUNC);
    const std::uint64_t size = co_await size_of(on, first);
    EXPECT_EQ(size, 0U);
    co_await close_file(on, first);
    co_await close_file(on, second);
}

DRIVER_CASE(appending_goes_to_the_end_wherever_that_is) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "one ");
    const int adding = co_await open_file(on, path, O_WRONLY | O_APPEND);
    co_await write_at(on, adding, "two ");
    co_await write_at(on, fd, "three ", 8);
    co_await write_at(on, adding, "four");
    const std::string text = co_await read_at(on, fd, 100, 0);
    EXPECT_EQ(text, "one two three four");
    co_await close_file(on, fd);
    co_await close_file(on, adding);
}

DRIVER_CASE(creating_what_is_there_keeps_it) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "kept");
    const int again = co_await open_file(on, path, O_RDWR | O_CREAT);
    const std::string text = co_await read_at(on, again, 10, 0);
    EXPECT_EQ(text, "kept");
    co_await close_file(on, made);
    co_await close_file(on, again);
}

DRIVER_CASE(a_file_may_be_made_by_a_reader) {
    const std::string path = on.folder + "/made_by_a_reader";
    const int fd = co_await open_file(on, path, O_RDONLY | O_CREAT);
    EXPECT_GE(fd, 0);
    const std::uint64_t size = co_await size_of(on, fd);
    EXPECT_EQ(size, 0U);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_path_may_be_written_in_several_ways) {
    const std::string path = on.folder + "/file", other = on.folder + "//./file";
    const int fd = co_await new_file(on, path, "same");
    const int same = co_await open_file(on, other, O_RDONLY);
    EXPECT_GE(same, 0);
    const std::string text = co_await read_at(on, same, 10, 0);
    EXPECT_EQ(text, "same");
    co_await close_file(on, fd);
    co_await close_file(on, same);
}

// Linux: an offset does not help against appending.
DRIVER_CASE(appending_wins_over_an_offset) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "0123");
    const int adding = co_await open_file(on, path, O_WRONLY | O_APPEND);
    co_await write_at(on, adding, "x", 1);
    const std::string text = co_await read_at(on, fd, 10, 0);
    EXPECT_EQ(text, "0123x");
    co_await close_file(on, fd);
    co_await close_file(on, adding);
}

DRIVER_CASE(of_those_who_append_at_once_none_is_lost) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "");
    std::vector<int> handles;
    for (int i = 0; i < 8; ++i) {
        const int adding = co_await open_file(on, path, O_WRONLY | O_APPEND);
        handles.push_back(adding);
    }
    std::vector<task<int>> writes;
    for (const int adding : handles) writes.push_back(write_at(on, adding, "0123456789"));
    for (task<int>& write : writes) {
        const int count = co_await std::move(write);
        EXPECT_EQ(count, 10);
    }
    const std::uint64_t size = co_await size_of(on, fd);
    EXPECT_EQ(size, 80U);
    for (const int adding : handles) co_await close_file(on, adding);
    co_await close_file(on, fd);
}

DRIVER_CASE(overwriting_keeps_the_size) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "0123456789");
    co_await write_at(on, fd, "ab", 4);
    const std::uint64_t size = co_await size_of(on, fd);
    EXPECT_EQ(size, 10U);
    const std::string text = co_await read_at(on, fd, 20, 0);
    EXPECT_EQ(text, "0123ab6789");
    co_await close_file(on, fd);
}

DRIVER_CASE(behind_the_end_there_is_nothing) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "0123456789");
    std::array<char, 8> buffer{};
    for (const std::uint64_t offset : {std::uint64_t{10}, std::uint64_t{1000}}) {
        const int count = co_await perform(on, io_kind::read, fd, buffer.data(), buffer.size(), offset);
        EXPECT_EQ(count, 0);
    }
    const std::string tail = co_await read_at(on, fd, 8, 7);
    EXPECT_EQ(tail, "789");
    co_await close_file(on, fd);
}

DRIVER_CASE(a_gap_is_full_of_zeros) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "ab");
    co_await write_at(on, fd, "yz", 6);
    const std::string text = co_await read_at(on, fd, 100, 0);
    EXPECT_EQ(text, std::string("ab\0\0\0\0yz", 8));
    const std::uint64_t size = co_await size_of(on, fd);
    EXPECT_EQ(size, 8U);
    co_await close_file(on, fd);
}

DRIVER_CASE(the_position_moves_only_without_an_offset) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "0123456789");
    co_await close_file(on, made);
    const int fd = co_await open_file(on, path, O_RDWR);
    const std::string first = co_await read_at(on, fd, 3);
    const std::string elsewhere = co_await read_at(on, fd, 2, 8);
    co_await write_at(on, fd, "xx", 5);
    const std::string next = co_await read_at(on, fd, 4);
    EXPECT_EQ(first, "012");
    EXPECT_EQ(elsewhere, "89");
    EXPECT_EQ(next, "34xx");
    co_await write_at(on, fd, "!");
    const std::string all = co_await read_at(on, fd, 20, 0);
    EXPECT_EQ(all, "01234xx!89");
    co_await close_file(on, fd);
}

DRIVER_CASE(two_handles_have_two_positions) {
    const std::string path = on.folder + "/file";
    const int a = co_await new_file(on, path, "0123456789");
    const int b = co_await open_file(on, path, O_RDONLY);
    const int c = co_await open_file(on, path, O_RDONLY);
    const std::string from_b = co_await read_at(on, b, 4);
    const std::string from_c = co_await read_at(on, c, 2);
    EXPECT_EQ(from_b, "0123");
    EXPECT_EQ(from_c, "01");
    for (const int fd : {a, b, c}) co_await close_file(on, fd);
}

DRIVER_CASE(a_handle_does_what_it_was_opened_for) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "text");
    co_await close_file(on, made);
    char byte = 'x';
    const int writer = co_await open_file(on, path, O_WRONLY);
    const int read = co_await perform(on, io_kind::read, writer, &byte, 1, 0);
    EXPECT_EQ(read, -EBADF);
    const int reader = co_await open_file(on, path, O_RDONLY);
    const int written = co_await perform(on, io_kind::write, reader, &byte, 1, 0);
    EXPECT_EQ(written, -EBADF);
    co_await close_file(on, writer);
    co_await close_file(on, reader);
}

DRIVER_CASE(nothing_is_read_and_written_in_no_time) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    char byte = 0;
    const int read = co_await perform(on, io_kind::read, fd, &byte, 0, 0);
    EXPECT_EQ(read, 0);
    const int written = co_await perform(on, io_kind::write, fd, &byte, 0, 0);
    EXPECT_EQ(written, 0);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_file_can_be_brought_to_the_disk) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    const int all = co_await perform(on, io_kind::sync, fd);
    EXPECT_EQ(all, 0);
    const int data = co_await perform(on, io_kind::sync, fd, nullptr, 0, io_operation::no_offset, 1);
    EXPECT_EQ(data, 0);
    co_await close_file(on, fd);
}

DRIVER_CASE(readers_and_folders_can_be_brought_to_the_disk) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "text");
    const int reader = co_await open_file(on, path, O_RDONLY);
    const int folder = co_await open_file(on, on.folder, O_RDONLY);
    for (const int fd : {reader, folder}) {
        const int result = co_await perform(on, io_kind::sync, fd);
        EXPECT_EQ(result, 0);
    }
    for (const int fd : {made, reader, folder}) co_await close_file(on, fd);
}

DRIVER_CASE(a_sync_cancelled_on_its_way_ends_one_way) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    pending syncing(on, io_kind::sync, fd);
    syncing.cancel();
    const int result = co_await syncing.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    co_await close_file(on, fd);
}

DRIVER_CASE(a_question_for_the_size_cancelled_ends_one_way) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    const auto answer = std::make_unique<struct statx>();
    pending asking(on, io_kind::stat, fd, answer.get(), 0, io_operation::no_offset, STATX_SIZE);
    asking.cancel();
    const int result = co_await asking.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    co_await close_file(on, fd);
}

DRIVER_CASE(the_calls_on_sockets_are_not_for_files) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    const int value = 1;
    EXPECT_EQ(on.driver.listen(fd, 1), -ENOTSOCK);
    EXPECT_EQ(on.driver.shutdown(fd, 1), -ENOTSOCK);
    EXPECT_EQ(on.driver.set_option(fd, 1, 2, &value, sizeof value), -ENOTSOCK);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_closed_file_is_refused) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    const int closed = co_await close_file(on, fd);
    EXPECT_EQ(closed, 0);
    char byte = 0;
    const int read = co_await perform(on, io_kind::read, fd, &byte, 1, 0);
    EXPECT_EQ(read, -EBADF);
    const int again = co_await close_file(on, fd);
    EXPECT_EQ(again, -EBADF);
}

DRIVER_CASE(a_file_is_no_socket) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    char byte = 0;
    for (const io_kind kind : {io_kind::recv, io_kind::send, io_kind::accept}) {
        const int result = co_await perform(on, kind, fd, &byte, 1);
        EXPECT_EQ(result, -ENOTSOCK) << static_cast<int>(kind);
    }
    co_await close_file(on, fd);
}

DRIVER_CASE(reads_at_offsets_go_on_side_by_side) {
    const std::string path = on.folder + "/file";
    std::string text;
    for (int i = 0; i < 64; ++i) text += std::string(64, static_cast<char>('0' + i));
    const int fd = co_await new_file(on, path, text);
    std::vector<task<std::string>> reads;
    for (std::size_t i = 0; i < 64; ++i) reads.push_back(read_at(on, fd, 64, i * 64));
    for (std::size_t i = 0; i < 64; ++i) {
        const std::string part = co_await std::move(reads[i]);
        EXPECT_EQ(part, std::string(64, static_cast<char>('0' + i)));
    }
    co_await close_file(on, fd);
}

DRIVER_CASE(writes_at_offsets_go_on_side_by_side) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "");
    std::vector<std::string> parts;
    for (int i = 0; i < 32; ++i) parts.emplace_back(100, static_cast<char>('A' + i));
    std::vector<task<int>> writes;
    for (std::size_t i = 0; i < parts.size(); ++i) writes.push_back(write_at(on, fd, parts[i], i * 100));
    std::string expected;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const int count = co_await std::move(writes[i]);
        EXPECT_EQ(count, 100);
        expected += parts[i];
    }
    const std::string all = co_await read_at(on, fd, 10'000, 0);
    EXPECT_EQ(all, expected);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_large_file_comes_back_whole) {
    const std::string path = on.folder + "/file";
    std::string text(1 << 20, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 % 251);
    const int fd = co_await new_file(on, path, text);
    const std::string back = co_await read_at(on, fd, text.size() + 1, 0);
    EXPECT_TRUE(back == text);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_cancelled_read_of_a_file_ends_one_way) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    std::array<char, 4> buffer{};
    for (int round = 0; round < 10; ++round) {
        pending reading(on, io_kind::read, fd, buffer.data(), buffer.size(), 0);
        reading.cancel();
        const int result = co_await reading.result();
        EXPECT_TRUE(result == -ECANCELED || (result >= 1 && result <= 4)) << result;
    }
    co_await close_file(on, fd);
}

DRIVER_CASE(a_cancelled_write_to_a_file_is_whole_or_not_there) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "....");
    pending writing(on, io_kind::write, fd, "text", 4, 0);
    writing.cancel();
    const int result = co_await writing.result();
    const std::string left = co_await read_at(on, fd, 10, 0);
    EXPECT_EQ(left,
        result < 0 ? "...."
                   : std::string("text").substr(0, static_cast<std::size_t>(result)) +
                std::string("....").substr(static_cast<std::size_t>(result)));
    co_await close_file(on, fd);
}

DRIVER_CASE(a_cancelled_open_opens_or_not) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "text");
    co_await close_file(on, made);
    pending opening(on, io_kind::open, -1, path.c_str(), 0, io_operation::no_offset, O_RDONLY);
    opening.cancel();
    const int fd = co_await opening.result();
    EXPECT_TRUE(fd >= 0 || fd == -ECANCELED) << fd;
    if (fd >= 0) co_await close_file(on, fd);
}
