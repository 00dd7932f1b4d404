// tests/conformance/names_test.cpp: operations on names: the answers of stat, rename, unlink, links and directories on every driver.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "backends.hpp"

namespace {
using namespace weft;
using namespace weft_test;

/// An operation on one name, or on two.
task<int> on_path(
    stage& on, io_kind what, std::string path, std::string target = {}, std::size_t length = 0, std::uint32_t flags = 0) {
    path_request asked;
    asked.path = path.c_str();
    asked.target = target.c_str();
    co_return co_await perform(on, what, -1, &asked, length, io_operation::no_offset, flags);
}

task<int> make_directory(stage& on, std::string path) {
    return on_path(on, io_kind::make_directory, std::move(path), std::string(), 0755);
}
task<int> rename_to(stage& on, std::string from, std::string to, std::uint32_t flags = 0) {
    return on_path(on, io_kind::rename, std::move(from), std::move(to), 0, flags);
}
task<int> unlink_name(stage& on, std::string path, std::uint32_t flags = 0) {
    return on_path(on, io_kind::unlink, std::move(path), std::string(), 0, flags);
}

task<int> open_path(stage& on, std::string path, int flags) {
    co_return co_await perform(
        on, io_kind::open, -1, path.c_str(), 0644, io_operation::no_offset, static_cast<std::uint32_t>(flags));
}

/// A file with something in it.
task<> put(stage& on, std::string path, std::string text) {
    const int fd = co_await open_path(on, std::move(path), O_WRONLY | O_CREAT | O_TRUNC);
    EXPECT_GE(fd, 0);
    for (std::size_t done = 0; done < text.size();) {
        const int count = co_await perform(on, io_kind::write, fd, text.data() + done, text.size() - done, done);
        EXPECT_GT(count, 0);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    co_await perform(on, io_kind::close, fd);
}

/// What is in a file; "!2" when it cannot be opened.
task<std::string> text_of(stage& on, std::string path) {
    const int fd = co_await open_path(on, std::move(path), O_RDONLY);
    if (fd < 0) co_return "!" + std::to_string(-fd);
    std::string all;
    std::string buffer(64, '\0');
    for (;;) {
        const int count = co_await perform(on, io_kind::read, fd, buffer.data(), buffer.size());
        if (count <= 0) break;
        all.append(buffer, 0, static_cast<std::size_t>(count));
    }
    co_await perform(on, io_kind::close, fd);
    co_return all;
}

task<int> stat_of(stage& on, std::string path, struct statx& answer, std::uint32_t flags = 0) {
    path_request asked;
    asked.path = path.c_str();
    asked.answer = &answer;
    co_return co_await perform(on, io_kind::stat_path, -1, &asked, 0, io_operation::no_offset, flags);
}

/// "dfl": a directory, a file, a link; "!2" when it is not there.
task<std::string> kind_of(stage& on, std::string path, std::uint32_t flags = AT_SYMLINK_NOFOLLOW) {
    const auto answer = std::make_unique<struct statx>();
    const int failed = co_await stat_of(on, std::move(path), *answer, flags);
    if (failed != 0) co_return "!" + std::to_string(-failed);
    co_return S_ISDIR(answer->stx_mode) ? "d" : S_ISLNK(answer->stx_mode) ? "l" : "f";
}

task<std::string> link_text(stage& on, std::string path, std::size_t room = 100) {
    std::string text(room, '\0');
    path_request asked;
    asked.path = path.c_str();
    asked.answer = text.data();
    const int count = co_await perform(on, io_kind::read_link, -1, &asked, text.size());
    if (count < 0) co_return "!" + std::to_string(-count);
    co_return text.substr(0, static_cast<std::size_t>(count));
}

/// The names in a directory, sorted, `.` and `..` among them.
task<std::vector<std::string>> names_in(stage& on, std::string path, std::size_t room = 4096) {
    std::vector<std::string> names;
    const int fd = co_await open_path(on, std::move(path), O_RDONLY | O_DIRECTORY);
    EXPECT_GE(fd, 0);
    std::vector<char> buffer(room);
    for (;;) {
        const int count = co_await perform(on, io_kind::read_directory, fd, buffer.data(), buffer.size());
        EXPECT_GE(count, 0);
        if (count <= 0) break;
        for (int at = 0; at < count;) {
            std::uint16_t length = 0;
            std::memcpy(&length, buffer.data() + at + 16, sizeof length);
            names.emplace_back(buffer.data() + at + 19);
            at += length;
        }
    }
    co_await perform(on, io_kind::close, fd);
    std::ranges::sort(names);
    co_return names;
}
}  // namespace

// ---- stat

DRIVER_CASE(a_name_tells_its_kind_and_size) {
    const std::string file = on.folder + "/file", folder = on.folder + "/folder";
    co_await put(on, file, "12345");
    const int made = co_await make_directory(on, folder);
    EXPECT_EQ(made, 0);
    const auto answer = std::make_unique<struct statx>();
    const int failed = co_await stat_of(on, file, *answer);
    EXPECT_EQ(failed, 0);
    EXPECT_TRUE(S_ISREG(answer->stx_mode));
    EXPECT_EQ(answer->stx_size, 5U);
    EXPECT_EQ(answer->stx_mode & 0777, 0644);
    EXPECT_EQ(answer->stx_nlink, 1U);
    const std::string kind = co_await kind_of(on, folder);
    EXPECT_EQ(kind, "d");
}

DRIVER_CASE(a_name_that_leads_nowhere_says_why) {
    const std::string file = on.folder + "/file";
    co_await put(on, file, "x");
    const auto answer = std::make_unique<struct statx>();
    const int missing = co_await stat_of(on, on.folder + "/missing", *answer);
    EXPECT_EQ(missing, -ENOENT);
    const int above = co_await stat_of(on, on.folder + "/missing/file", *answer);
    EXPECT_EQ(above, -ENOENT);
    const int through = co_await stat_of(on, file + "/inside", *answer);
    EXPECT_EQ(through, -ENOTDIR);
    const int empty = co_await stat_of(on, std::string(), *answer);
    EXPECT_EQ(empty, -ENOENT);
}

// ---- links

DRIVER_CASE(a_symbolic_link_is_itself_or_what_it_leads_to) {
    const std::string file = on.folder + "/file", link = on.folder + "/link";
    co_await put(on, file, "behind");
    const int made = co_await on_path(on, io_kind::symlink, link, "file");
    EXPECT_EQ(made, 0);
    const std::string itself = co_await kind_of(on, link);
    const std::string behind = co_await kind_of(on, link, 0);
    EXPECT_EQ(itself, "l");
    EXPECT_EQ(behind, "f");
    const std::string text = co_await text_of(on, link);
    EXPECT_EQ(text, "behind");
    const std::string held = co_await link_text(on, link);
    EXPECT_EQ(held, "file");
    const std::string cut = co_await link_text(on, link, 2);
    EXPECT_EQ(cut, "fi");
}

DRIVER_CASE(a_link_into_a_folder_and_back_is_followed) {
    const std::string folder = on.folder + "/folder", link = folder + "/up";
    co_await make_directory(on, folder);
    co_await put(on, on.folder + "/file", "above");
    const int made = co_await on_path(on, io_kind::symlink, link, "../file");
    EXPECT_EQ(made, 0);
    const std::string text = co_await text_of(on, link);
    EXPECT_EQ(text, "above");
    const int other = co_await on_path(on, io_kind::symlink, on.folder + "/door", folder);
    EXPECT_EQ(other, 0);
    const std::string through = co_await text_of(on, on.folder + "/door/up");
    EXPECT_EQ(through, "above");
}

DRIVER_CASE(a_link_may_lead_nowhere) {
    const std::string link = on.folder + "/link";
    const int made = co_await on_path(on, io_kind::symlink, link, "missing");
    EXPECT_EQ(made, 0);
    const std::string behind = co_await kind_of(on, link, 0);
    EXPECT_EQ(behind, "!" + std::to_string(ENOENT));
    const int again = co_await on_path(on, io_kind::symlink, link, "other");
    EXPECT_EQ(again, -EEXIST);
    const int refused = co_await open_path(on, link, O_WRONLY | O_CREAT | O_EXCL);
    EXPECT_EQ(refused, -EEXIST);
    const int nothing = co_await on_path(on, io_kind::symlink, on.folder + "/empty", std::string());
    EXPECT_EQ(nothing, -ENOENT);
}

DRIVER_CASE(links_in_a_circle_are_found_out) {
    const std::string a = on.folder + "/a", b = on.folder + "/b";
    co_await on_path(on, io_kind::symlink, a, "b");
    co_await on_path(on, io_kind::symlink, b, "a");
    const std::string behind = co_await kind_of(on, a, 0);
    EXPECT_EQ(behind, "!" + std::to_string(ELOOP));
    const int opened = co_await open_path(on, a, O_RDONLY);
    EXPECT_EQ(opened, -ELOOP);
}

DRIVER_CASE(what_is_no_link_has_no_text) {
    const std::string file = on.folder + "/file";
    co_await put(on, file, "x");
    const std::string of_file = co_await link_text(on, file);
    EXPECT_EQ(of_file, "!" + std::to_string(EINVAL));
    const std::string of_folder = co_await link_text(on, on.folder);
    EXPECT_EQ(of_folder, "!" + std::to_string(EINVAL));
    const std::string of_nothing = co_await link_text(on, on.folder + "/missing");
    EXPECT_EQ(of_nothing, "!" + std::to_string(ENOENT));
}

DRIVER_CASE(a_file_may_have_two_names) {
    const std::string first = on.folder + "/first", second = on.folder + "/second";
    co_await put(on, first, "one");
    const int made = co_await on_path(on, io_kind::link, first, second);
    EXPECT_EQ(made, 0);
    const auto a = std::make_unique<struct statx>(), b = std::make_unique<struct statx>();
    co_await stat_of(on, first, *a);
    co_await stat_of(on, second, *b);
    EXPECT_EQ(a->stx_ino, b->stx_ino);
    EXPECT_EQ(a->stx_nlink, 2U);
    co_await put(on, second, "other");
    const std::string text = co_await text_of(on, first);
    EXPECT_EQ(text, "other");
    co_await unlink_name(on, first);
    const std::string left = co_await text_of(on, second);
    EXPECT_EQ(left, "other");
}

DRIVER_CASE(a_second_name_that_cannot_be_says_why) {
    const std::string file = on.folder + "/file", folder = on.folder + "/folder";
    co_await put(on, file, "x");
    co_await make_directory(on, folder);
    const int missing = co_await on_path(on, io_kind::link, on.folder + "/missing", on.folder + "/new");
    EXPECT_EQ(missing, -ENOENT);
    const int there = co_await on_path(on, io_kind::link, file, folder);
    EXPECT_EQ(there, -EEXIST);
    const int of_folder = co_await on_path(on, io_kind::link, folder, on.folder + "/new");
    EXPECT_EQ(of_folder, -EPERM);
    const int nowhere = co_await on_path(on, io_kind::link, file, on.folder + "/missing/new");
    EXPECT_EQ(nowhere, -ENOENT);
}

// ---- rename

DRIVER_CASE(a_renamed_file_has_only_its_new_name) {
    const std::string from = on.folder + "/from", to = on.folder + "/to";
    co_await put(on, from, "moved");
    const int fd = co_await open_path(on, from, O_RDONLY);
    const int failed = co_await rename_to(on, from, to);
    EXPECT_EQ(failed, 0);
    const std::string there = co_await text_of(on, to);
    EXPECT_EQ(there, "moved");
    const std::string gone = co_await kind_of(on, from);
    EXPECT_EQ(gone, "!" + std::to_string(ENOENT));
    // Who has it open notices nothing.
    char byte = 0;
    const int count = co_await perform(on, io_kind::read, fd, &byte, 1, 0);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(byte, 'm');
    co_await perform(on, io_kind::close, fd);
}

DRIVER_CASE(renaming_replaces_unless_told_otherwise) {
    const std::string from = on.folder + "/from", to = on.folder + "/to";
    co_await put(on, from, "new");
    co_await put(on, to, "old");
    const int refused = co_await rename_to(on, from, to, RENAME_NOREPLACE);
    EXPECT_EQ(refused, -EEXIST);
    const std::string before = co_await text_of(on, to);
    EXPECT_EQ(before, "old");
    const int failed = co_await rename_to(on, from, to);
    EXPECT_EQ(failed, 0);
    const std::string after = co_await text_of(on, to);
    EXPECT_EQ(after, "new");
    const int free_name = co_await rename_to(on, to, from, RENAME_NOREPLACE);
    EXPECT_EQ(free_name, 0);
}

DRIVER_CASE(a_replaced_file_stays_for_those_who_have_it_open) {
    const std::string from = on.folder + "/from", to = on.folder + "/to";
    co_await put(on, from, "new");
    co_await put(on, to, "old");
    const int fd = co_await open_path(on, to, O_RDONLY);
    co_await rename_to(on, from, to);
    char byte = 0;
    const int count = co_await perform(on, io_kind::read, fd, &byte, 1, 0);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(byte, 'o');
    co_await perform(on, io_kind::close, fd);
}

DRIVER_CASE(a_renamed_folder_takes_along_what_is_in_it) {
    const std::string from = on.folder + "/from", to = on.folder + "/to";
    co_await make_directory(on, from);
    co_await make_directory(on, from + "/below");
    co_await put(on, from + "/below/file", "inside");
    const int failed = co_await rename_to(on, from, to);
    EXPECT_EQ(failed, 0);
    const std::string text = co_await text_of(on, to + "/below/file");
    EXPECT_EQ(text, "inside");
    const std::string gone = co_await kind_of(on, from);
    EXPECT_EQ(gone, "!" + std::to_string(ENOENT));
}

DRIVER_CASE(a_renaming_that_cannot_be_says_why) {
    const std::string file = on.folder + "/file", folder = on.folder + "/folder", full = on.folder + "/full";
    co_await put(on, file, "x");
    co_await make_directory(on, folder);
    co_await make_directory(on, full);
    co_await put(on, full + "/inside", "x");
    const int missing = co_await rename_to(on, on.folder + "/missing", file);
    EXPECT_EQ(missing, -ENOENT);
    const int over_folder = co_await rename_to(on, file, folder);
    EXPECT_EQ(over_folder, -EISDIR);
    const int over_file = co_await rename_to(on, folder, file);
    EXPECT_EQ(over_file, -ENOTDIR);
    const int over_full = co_await rename_to(on, folder, full);
    EXPECT_TRUE(one_of(over_full, {-ENOTEMPTY, -EEXIST}));
    const int into_itself = co_await rename_to(on, folder, folder + "/below");
    EXPECT_EQ(into_itself, -EINVAL);
    const int nowhere = co_await rename_to(on, file, on.folder + "/missing/file");
    EXPECT_EQ(nowhere, -ENOENT);
    const int over_empty = co_await rename_to(on, full, folder);
    EXPECT_EQ(over_empty, 0);
}

DRIVER_CASE(renaming_to_itself_does_nothing) {
    const std::string file = on.folder + "/file", other = on.folder + "/other";
    co_await put(on, file, "same");
    const int failed = co_await rename_to(on, file, file);
    EXPECT_EQ(failed, 0);
    co_await on_path(on, io_kind::link, file, other);
    const int two_names = co_await rename_to(on, file, other);
    EXPECT_EQ(two_names, 0);
    const std::string first = co_await text_of(on, file);
    EXPECT_EQ(first, "same");
}

// ---- unlink

DRIVER_CASE(a_removed_file_is_gone_but_for_those_who_have_it_open) {
    const std::string file = on.folder + "/file";
    co_await put(on, file, "still");
    const int fd = co_await open_path(on, file, O_RDONLY);
    const int failed = co_await unlink_name(on, file);
    EXPECT_EQ(failed, 0);
    const int again = co_await unlink_name(on, file);
    EXPECT_EQ(again, -ENOENT);
    char byte = 0;
    const int count = co_await perform(on, io_kind::read, fd, &byte, 1, 0);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(byte, 's');
    co_await perform(on, io_kind::close, fd);
}

DRIVER_CASE(files_and_folders_are_removed_each_in_its_way) {
    const std::string file = on.folder + "/file", folder = on.folder + "/folder";
    co_await put(on, file, "x");
    co_await make_directory(on, folder);
    co_await put(on, folder + "/inside", "x");
    const int as_file = co_await unlink_name(on, folder);
    EXPECT_EQ(as_file, -EISDIR);
    const int as_folder = co_await unlink_name(on, file, AT_REMOVEDIR);
    EXPECT_EQ(as_folder, -ENOTDIR);
    const int full = co_await unlink_name(on, folder, AT_REMOVEDIR);
    EXPECT_EQ(full, -ENOTEMPTY);
    co_await unlink_name(on, folder + "/inside");
    const int empty = co_await unlink_name(on, folder, AT_REMOVEDIR);
    EXPECT_EQ(empty, 0);
    const std::string gone = co_await kind_of(on, folder);
    EXPECT_EQ(gone, "!" + std::to_string(ENOENT));
}

DRIVER_CASE(removing_a_link_leaves_what_it_leads_to) {
    const std::string file = on.folder + "/file", link = on.folder + "/link";
    co_await put(on, file, "stays");
    co_await on_path(on, io_kind::symlink, link, file);
    const int failed = co_await unlink_name(on, link);
    EXPECT_EQ(failed, 0);
    const std::string text = co_await text_of(on, file);
    EXPECT_EQ(text, "stays");
}

// ---- directories

DRIVER_CASE(a_folder_that_cannot_be_made_says_why) {
    const std::string file = on.folder + "/file", folder = on.folder + "/folder";
    co_await put(on, file, "x");
    const int made = co_await make_directory(on, folder);
    EXPECT_EQ(made, 0);
    const int again = co_await make_directory(on, folder);
    EXPECT_EQ(again, -EEXIST);
    const int over_file = co_await make_directory(on, file);
    EXPECT_EQ(over_file, -EEXIST);
    const int nowhere = co_await make_directory(on, on.folder + "/missing/folder");
    EXPECT_EQ(nowhere, -ENOENT);
    const int in_file = co_await make_directory(on, file + "/folder");
    EXPECT_EQ(in_file, -ENOTDIR);
}

DRIVER_CASE(a_folder_lists_its_names) {
    const std::string folder = on.folder + "/folder";
    co_await make_directory(on, folder);
    const std::vector<std::string> none = co_await names_in(on, folder);
    const std::vector<std::string> dots{".", ".."};
    EXPECT_EQ(none, dots);
    co_await make_directory(on, folder + "/below");
    std::vector<std::string> expected{".", "..", "below"};
    for (int i = 100; i < 160; ++i) {
        expected.push_back("file" + std::to_string(i));
        co_await put(on, folder + "/" + expected.back(), "");
    }
    const std::vector<std::string> at_once = co_await names_in(on, folder);
    EXPECT_EQ(at_once, expected);
    const std::vector<std::string> piece_by_piece = co_await names_in(on, folder, 128);
    EXPECT_EQ(piece_by_piece, expected);
}

DRIVER_CASE(a_listing_that_cannot_be_says_why) {
    const std::string file = on.folder + "/file";
    co_await put(on, file, "x");
    std::array<char, 512> buffer{};
    const int fd = co_await open_path(on, file, O_RDONLY);
    const int of_file = co_await perform(on, io_kind::read_directory, fd, buffer.data(), buffer.size());
    EXPECT_EQ(of_file, -ENOTDIR);
    const int folder = co_await open_path(on, on.folder, O_RDONLY | O_DIRECTORY);
    const int no_room = co_await perform(on, io_kind::read_directory, folder, buffer.data(), 8);
    EXPECT_EQ(no_room, -EINVAL);
    const int as_folder = co_await open_path(on, file, O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(as_folder, -ENOTDIR);
    co_await perform(on, io_kind::close, fd);
    co_await perform(on, io_kind::close, folder);
    const int closed = co_await perform(on, io_kind::read_directory, folder, buffer.data(), buffer.size());
    EXPECT_EQ(closed, -EBADF);
}

DRIVER_CASE(a_link_may_be_refused_when_opening) {
    const std::string file = on.folder + "/file", link = on.folder + "/link";
    co_await put(on, file, "x");
    co_await on_path(on, io_kind::symlink, link, file);
    const int refused = co_await open_path(on, link, O_RDONLY | O_NOFOLLOW);
    EXPECT_EQ(refused, -ELOOP);
    const int fd = co_await open_path(on, file, O_RDONLY | O_NOFOLLOW);
    EXPECT_GE(fd, 0);
    co_await perform(on, io_kind::close, fd);
}

DRIVER_CASE(a_file_may_have_no_name) {
    const int fd = co_await open_path(on, on.folder, O_RDWR | O_TMPFILE);
    if (fd == -EOPNOTSUPP) co_return;
    EXPECT_GE(fd, 0);
    const int written = co_await perform(on, io_kind::write, fd, "x", 1, 0);
    EXPECT_EQ(written, 1);
    const auto answer = std::make_unique<struct statx>();
    co_await perform(on, io_kind::stat, fd, answer.get(), 0, io_operation::no_offset, STATX_BASIC_STATS);
    EXPECT_EQ(answer->stx_nlink, 0U);
    co_await perform(on, io_kind::close, fd);
    const int reader = co_await open_path(on, on.folder, O_RDONLY | O_TMPFILE);
    EXPECT_EQ(reader, -EINVAL);
}

// ---- taken back

DRIVER_CASE(a_renaming_that_was_cancelled_happened_or_not) {
    const std::string from = on.folder + "/from", to = on.folder + "/to";
    co_await put(on, from, "x");
    path_request asked;
    asked.path = from.c_str();
    asked.target = to.c_str();
    pending renaming(on, io_kind::rename, -1, &asked);
    renaming.cancel();
    const int result = co_await renaming.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    const std::string old_name = co_await kind_of(on, from);
    const std::string new_name = co_await kind_of(on, to);
    EXPECT_EQ(result == 0 ? new_name : old_name, "f");
    EXPECT_EQ(result == 0 ? old_name : new_name, "!" + std::to_string(ENOENT));
}

DRIVER_CASE(a_removal_that_was_cancelled_happened_or_not) {
    const std::string file = on.folder + "/file";
    co_await put(on, file, "x");
    path_request asked;
    asked.path = file.c_str();
    pending removing(on, io_kind::unlink, -1, &asked);
    removing.cancel();
    const int result = co_await removing.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    const std::string left = co_await kind_of(on, file);
    EXPECT_EQ(left, result == 0 ? "!" + std::to_string(ENOENT) : "f");
}

DRIVER_CASE(what_was_cancelled_while_being_made_is_there_or_not) {
    const std::string file = on.folder + "/file";
    co_await put(on, file, "x");
    for (const io_kind kind : {io_kind::make_directory, io_kind::link, io_kind::symlink}) {
        const std::string made = on.folder + "/made" + std::to_string(static_cast<int>(kind));
        path_request asked;
        asked.path = kind == io_kind::link ? file.c_str() : made.c_str();
        asked.target = kind == io_kind::link ? made.c_str() : file.c_str();
        pending making(on, kind, -1, &asked, 0755);
        making.cancel();
        const int result = co_await making.result();
        EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
        const std::string left = co_await kind_of(on, made);
        EXPECT_EQ(left.starts_with('!'), result != 0) << static_cast<int>(kind);
    }
}

DRIVER_CASE(a_question_about_a_name_that_was_cancelled_ends_one_way) {
    const std::string link = on.folder + "/link";
    co_await on_path(on, io_kind::symlink, link, "text");
    const auto answer = std::make_unique<struct statx>();
    path_request asked;
    asked.path = link.c_str();
    asked.answer = answer.get();
    pending asking(on, io_kind::stat_path, -1, &asked, 0, io_operation::no_offset, AT_SYMLINK_NOFOLLOW);
    asking.cancel();
    const int result = co_await asking.result();
    EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    std::array<char, 16> text{};
    asked.answer = text.data();
    pending reading(on, io_kind::read_link, -1, &asked, text.size());
    reading.cancel();
    const int count = co_await reading.result();
    EXPECT_TRUE(one_of(count, {4, -ECANCELED}));
}

DRIVER_CASE(a_listing_that_was_cancelled_ends_one_way) {
    const int fd = co_await open_path(on, on.folder, O_RDONLY | O_DIRECTORY);
    std::array<char, 512> buffer{};
    pending listing(on, io_kind::read_directory, fd, buffer.data(), buffer.size());
    listing.cancel();
    const int result = co_await listing.result();
    EXPECT_TRUE(result > 0 || result == -ECANCELED) << result;
    co_await perform(on, io_kind::close, fd);
}
