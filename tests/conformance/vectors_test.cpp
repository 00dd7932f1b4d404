// tests/conformance/vectors_test.cpp: several buffers at once, sizes, room, permissions and copies, on every driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "backends.hpp"

namespace {
using namespace weft;
using namespace weft_test;

task<int> open_path(stage& on, std::string path, int flags) {
    co_return co_await perform(
        on, io_kind::open, -1, path.c_str(), 0644, io_operation::no_offset, static_cast<std::uint32_t>(flags));
}
task<> close_file(stage& on, int fd) { co_await perform(on, io_kind::close, fd); }

task<> write_text(stage& on, int fd, std::string text) {
    for (std::size_t done = 0; done < text.size();) {
        const int count = co_await perform(on, io_kind::write, fd, text.data() + done, text.size() - done, done);
        EXPECT_GT(count, 0);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
}

task<int> new_file(stage& on, std::string path, std::string text) {
    const int fd = co_await open_path(on, std::move(path), O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_GE(fd, 0);
    co_await write_text(on, fd, std::move(text));
    co_return fd;
}

task<std::string> text_of(stage& on, int fd) {
    std::string all;
    std::string buffer(64, '\0');
    for (;;) {
        const int count = co_await perform(on, io_kind::read, fd, buffer.data(), buffer.size(), all.size());
        EXPECT_GE(count, 0);
        if (count <= 0) break;
        all.append(buffer, 0, static_cast<std::size_t>(count));
    }
    co_return all;
}

iovec part(const char* data, std::size_t size) {
    iovec made{};
    made.iov_base = const_cast<char*>(data);
    made.iov_len = size;
    return made;
}

task<struct statx> stat_of(stage& on, int fd) {
    const auto answer = std::make_unique<struct statx>();
    const int failed = co_await perform(on, io_kind::stat, fd, answer.get(), 0, io_operation::no_offset, STATX_BASIC_STATS);
    EXPECT_EQ(failed, 0);
    co_return *answer;
}
}  // namespace

// ---- several buffers

DRIVER_CASE(parts_are_filled_in_their_order) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "abcdefghij");
    std::array<char, 3> first{};
    std::array<char, 1> second{};
    std::array<char, 8> third{};
    const std::array<iovec, 4> parts{
        part(first.data(), 3), part(nullptr, 0), part(second.data(), 1), part(third.data(), 8)};
    const int count = co_await perform(on, io_kind::readv, fd, parts.data(), parts.size(), 0);
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 10);
    const std::string all = std::string(first.data(), 3) + second[0] + std::string(third.data(), 8);
    const std::string expected = "abcdefghij";
    EXPECT_EQ(all.substr(0, static_cast<std::size_t>(count)), expected.substr(0, static_cast<std::size_t>(count)));
    // What was not read was not touched.
    for (std::size_t i = static_cast<std::size_t>(count); i < all.size(); ++i) EXPECT_EQ(all[i], '\0');
    co_await close_file(on, fd);
}

DRIVER_CASE(parts_are_written_in_their_order) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "..........");
    const std::array<iovec, 3> parts{part("abc", 3), part("d", 1), part("efgh", 4)};
    const int count = co_await perform(on, io_kind::writev, fd, parts.data(), parts.size(), 1);
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 8);
    const auto done = static_cast<std::size_t>(count);
    const std::string text = co_await text_of(on, fd);
    EXPECT_EQ(text, "." + std::string("abcdefgh").substr(0, done) + std::string(9 - done, '.'));
    co_await close_file(on, fd);
}

DRIVER_CASE(parts_move_the_position_only_without_an_offset) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "0123456789");
    co_await close_file(on, made);
    const int fd = co_await open_path(on, path, O_RDWR);
    std::array<char, 1> a{}, b{};
    const std::array<iovec, 1> one{part(a.data(), 1)};
    const int elsewhere = co_await perform(on, io_kind::readv, fd, one.data(), one.size(), 7);
    EXPECT_EQ(elsewhere, 1);
    EXPECT_EQ(a[0], '7');
    const int first = co_await perform(on, io_kind::readv, fd, one.data(), one.size());
    EXPECT_EQ(first, 1);
    EXPECT_EQ(a[0], '0');
    const std::array<iovec, 1> text{part("x", 1)};
    const int written = co_await perform(on, io_kind::writev, fd, text.data(), text.size());
    EXPECT_EQ(written, 1);
    const int next = co_await perform(on, io_kind::read, fd, b.data(), 1);
    EXPECT_EQ(next, 1);
    EXPECT_EQ(b[0], '2');
    const std::string all = co_await text_of(on, fd);
    EXPECT_EQ(all, "0x23456789");
    co_await close_file(on, fd);
}

DRIVER_CASE(no_parts_move_nothing_and_too_many_are_refused) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    std::vector<iovec> parts(1025, part(nullptr, 0));
    for (const io_kind kind : {io_kind::readv, io_kind::writev}) {
        const int none = co_await perform(on, kind, fd, parts.data(), 0, 0);
        EXPECT_EQ(none, 0);
        const int empty = co_await perform(on, kind, fd, parts.data(), 2, 0);
        EXPECT_EQ(empty, 0);
        const int many = co_await perform(on, kind, fd, parts.data(), parts.size(), 0);
        EXPECT_EQ(many, -EINVAL);
    }
    co_await close_file(on, fd);
}

DRIVER_CASE(parts_are_for_handles_that_were_opened_for_them) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "text");
    co_await close_file(on, made);
    std::array<char, 1> byte{};
    const std::array<iovec, 1> parts{part(byte.data(), 1)};
    const int reader = co_await open_path(on, path, O_RDONLY);
    const int written = co_await perform(on, io_kind::writev, reader, parts.data(), 1, 0);
    EXPECT_EQ(written, -EBADF);
    const int writer = co_await open_path(on, path, O_WRONLY);
    const int read = co_await perform(on, io_kind::readv, writer, parts.data(), 1, 0);
    EXPECT_EQ(read, -EBADF);
    const int folder = co_await open_path(on, on.folder, O_RDONLY);
    const int of_folder = co_await perform(on, io_kind::readv, folder, parts.data(), 1, 0);
    EXPECT_EQ(of_folder, -EISDIR);
    for (const int fd : {reader, writer, folder}) co_await close_file(on, fd);
    for (const io_kind kind : {io_kind::readv, io_kind::writev}) {
        const int closed = co_await perform(on, kind, reader, parts.data(), 1, 0);
        EXPECT_EQ(closed, -EBADF);
    }
}

DRIVER_CASE(behind_the_end_parts_stay_empty) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    std::array<char, 4> buffer{};
    const std::array<iovec, 1> parts{part(buffer.data(), 4)};
    const int count = co_await perform(on, io_kind::readv, fd, parts.data(), 1, 4);
    EXPECT_EQ(count, 0);
    co_await close_file(on, fd);
}

DRIVER_CASE(cancelled_parts_are_whole_or_not_there) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "....");
    const std::array<iovec, 2> parts{part("te", 2), part("xt", 2)};
    pending writing(on, io_kind::writev, fd, parts.data(), parts.size(), 0);
    writing.cancel();
    const int result = co_await writing.result();
    EXPECT_TRUE(result == -ECANCELED || (result >= 1 && result <= 4)) << result;
    const std::size_t done = result < 0 ? 0 : static_cast<std::size_t>(result);
    const std::string text = co_await text_of(on, fd);
    EXPECT_EQ(text, std::string("text").substr(0, done) + std::string(4 - done, '.'));
    std::array<char, 4> buffer{};
    const std::array<iovec, 1> room{part(buffer.data(), 4)};
    pending reading(on, io_kind::readv, fd, room.data(), room.size(), 0);
    reading.cancel();
    const int count = co_await reading.result();
    EXPECT_TRUE(count == -ECANCELED || (count >= 1 && count <= 4)) << count;
    co_await close_file(on, fd);
}

// ---- sizes

DRIVER_CASE(a_file_is_cut_and_filled_up) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "0123456789");
    const int cut = co_await perform(on, io_kind::truncate, fd, nullptr, 0, 4);
    EXPECT_EQ(cut, 0);
    const std::string shorter = co_await text_of(on, fd);
    EXPECT_EQ(shorter, "0123");
    const int filled = co_await perform(on, io_kind::truncate, fd, nullptr, 0, 6);
    EXPECT_EQ(filled, 0);
    const std::string longer = co_await text_of(on, fd);
    EXPECT_EQ(longer, std::string("0123\0\0", 6));
    co_await close_file(on, fd);
}

DRIVER_CASE(only_writers_change_the_size) {
    const std::string path = on.folder + "/file";
    const int made = co_await new_file(on, path, "text");
    co_await close_file(on, made);
    const int reader = co_await open_path(on, path, O_RDONLY);
    const int folder = co_await open_path(on, on.folder, O_RDONLY);
    for (const int fd : {reader, folder}) {
        const int cut = co_await perform(on, io_kind::truncate, fd, nullptr, 0, 0);
        EXPECT_EQ(cut, -EINVAL);
        const int allocated = co_await perform(on, io_kind::allocate, fd, nullptr, 0, 10);
        EXPECT_EQ(allocated, -EBADF);
        co_await close_file(on, fd);
    }
    const int closed = co_await perform(on, io_kind::truncate, reader, nullptr, 0, 0);
    EXPECT_EQ(closed, -EBADF);
}

DRIVER_CASE(room_can_be_had_before_it_is_needed) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    const int kept = co_await perform(on, io_kind::allocate, fd, nullptr, 0, 8192, 1);
    if (kept != -EOPNOTSUPP) {
        EXPECT_EQ(kept, 0);
        const std::string same = co_await text_of(on, fd);
        EXPECT_EQ(same, "text");
        const int grown = co_await perform(on, io_kind::allocate, fd, nullptr, 0, 8192);
        EXPECT_EQ(grown, 0);
        const struct statx now = co_await stat_of(on, fd);
        EXPECT_EQ(now.stx_size, 8192U);
        const int nothing = co_await perform(on, io_kind::allocate, fd, nullptr, 0, 0);
        EXPECT_EQ(nothing, -EINVAL);
        const int less = co_await perform(on, io_kind::allocate, fd, nullptr, 0, 10);
        EXPECT_EQ(less, 0);
        const struct statx still = co_await stat_of(on, fd);
        EXPECT_EQ(still.stx_size, 8192U);
    }
    co_await close_file(on, fd);
}

DRIVER_CASE(permissions_are_what_they_were_set_to) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "text");
    for (const std::uint32_t mode : {0600U, 0444U, 0666U}) {
        const int failed = co_await perform(on, io_kind::change_mode, fd, nullptr, 0, io_operation::no_offset, mode);
        EXPECT_EQ(failed, 0);
        const struct statx now = co_await stat_of(on, fd);
        EXPECT_EQ(now.stx_mode & 07777U, mode);
    }
    co_await close_file(on, fd);
    const int closed = co_await perform(on, io_kind::change_mode, fd, nullptr, 0, io_operation::no_offset, 0600);
    EXPECT_EQ(closed, -EBADF);
}

DRIVER_CASE(a_cancelled_change_of_a_file_happened_or_not) {
    const std::string path = on.folder + "/file";
    const int fd = co_await new_file(on, path, "0123456789");
    pending cutting(on, io_kind::truncate, fd, nullptr, 0, 4);
    cutting.cancel();
    const int cut = co_await cutting.result();
    EXPECT_TRUE(one_of(cut, {0, -ECANCELED}));
    const struct statx size = co_await stat_of(on, fd);
    EXPECT_EQ(size.stx_size, cut == 0 ? 4U : 10U);
    pending changing(on, io_kind::change_mode, fd, nullptr, 0, io_operation::no_offset, 0600);
    changing.cancel();
    const int changed = co_await changing.result();
    EXPECT_TRUE(one_of(changed, {0, -ECANCELED}));
    const struct statx mode = co_await stat_of(on, fd);
    EXPECT_EQ(mode.stx_mode & 0777U, changed == 0 ? 0600U : 0644U);
    pending allocating(on, io_kind::allocate, fd, nullptr, 0, 100);
    allocating.cancel();
    const int allocated = co_await allocating.result();
    EXPECT_TRUE(one_of(allocated, {0, -ECANCELED, -EOPNOTSUPP, -EINTR}));
    co_await close_file(on, fd);
}

// ---- copies

DRIVER_CASE(a_range_is_copied_from_where_both_stand) {
    const std::string path = on.folder + "/from", other = on.folder + "/to";
    const int made = co_await new_file(on, path, "0123456789");
    co_await close_file(on, made);
    const int from = co_await open_path(on, path, O_RDONLY);
    const int to = co_await open_path(on, other, O_RDWR | O_CREAT);
    std::string expected;
    for (;;) {
        const int count = co_await perform(
            on, io_kind::copy_range, to, nullptr, 4, io_operation::no_offset, static_cast<std::uint32_t>(from));
        EXPECT_GE(count, 0);
        EXPECT_LE(count, 4);
        if (count <= 0) break;
    }
    const std::string text = co_await text_of(on, to);
    EXPECT_EQ(text, "0123456789");
    for (const int fd : {from, to}) co_await close_file(on, fd);
}

DRIVER_CASE(a_copy_that_cannot_be_says_why) {
    const std::string path = on.folder + "/from", other = on.folder + "/to";
    const int from = co_await new_file(on, path, "0123456789");
    const int made = co_await new_file(on, other, "");
    const int reader = co_await open_path(on, other, O_RDONLY);
    const int folder = co_await open_path(on, on.folder, O_RDONLY);
    const auto source = static_cast<std::uint32_t>(from);
    const int to_reader = co_await perform(on, io_kind::copy_range, reader, nullptr, 4, io_operation::no_offset, source);
    EXPECT_EQ(to_reader, -EBADF);
    const int from_folder = co_await perform(
        on, io_kind::copy_range, made, nullptr, 4, io_operation::no_offset, static_cast<std::uint32_t>(folder));
    EXPECT_EQ(from_folder, -EISDIR);
    for (const int fd : {from, made, reader, folder}) co_await close_file(on, fd);
    const int closed = co_await perform(on, io_kind::copy_range, made, nullptr, 4, io_operation::no_offset, source);
    EXPECT_EQ(closed, -EBADF);
}

DRIVER_CASE(a_cancelled_copy_ends_one_way) {
    const std::string path = on.folder + "/from", other = on.folder + "/to";
    const int made = co_await new_file(on, path, "0123");
    co_await close_file(on, made);
    const int from = co_await open_path(on, path, O_RDONLY);
    const int to = co_await open_path(on, other, O_RDWR | O_CREAT);
    pending copying(on, io_kind::copy_range, to, nullptr, 4, io_operation::no_offset, static_cast<std::uint32_t>(from));
    copying.cancel();
    const int result = co_await copying.result();
    EXPECT_TRUE(result == -ECANCELED || (result >= 1 && result <= 4)) << result;
    const struct statx now = co_await stat_of(on, to);
    EXPECT_EQ(now.stx_size, result < 0 ? 0U : static_cast<unsigned>(result));
    for (const int fd : {from, to}) co_await close_file(on, fd);
}

// ---- cancelled early and late, and shutdown

namespace {

/// What an operation of each kind needs, so that it would succeed.
class samples {
public:
    explicit samples(stage& on) : path_(on.folder + "/file"), other_(on.folder + "/other"), link_(on.folder + "/link") {
        parts_[0] = part(buffer_.data(), 4);
        asked_.answer = &answer_;
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Fills in a record. @param fd  of a file that is open to read and write; for a listing, of a directory
    void fill(io_operation& record, int fd) {
        record.fd = has_descriptor(record.kind) ? fd : -1;
        record.buffer = buffer_.data();
        record.length = static_cast<std::uint32_t>(buffer_.size());
        asked_.path = path_.c_str();
        asked_.target = other_.c_str();
        switch (record.kind) {
            case io_kind::readv:
            case io_kind::writev:
                record.buffer = parts_.data();
                record.length = 1;
                break;
            case io_kind::truncate:
            case io_kind::allocate: record.offset = 4; break;
            case io_kind::change_mode: record.flags = 0600; break;
            case io_kind::copy_range: record.flags = static_cast<std::uint32_t>(fd); break;
            case io_kind::symlink:
            case io_kind::read_link: asked_.path = link_.c_str(); [[fallthrough]];
            default:
                if (record.kind != io_kind::read_directory) record.buffer = &asked_;
                if (record.kind == io_kind::watch_path) record.flags = IN_CREATE;
                if (record.kind == io_kind::make_directory) asked_.path = other_.c_str();
        }
    }

    [[nodiscard]] std::unique_ptr<pending> start(stage& on, io_kind kind, int fd) {
        io_operation record(kind);
        fill(record, fd);
        return std::make_unique<pending>(on, kind, record.fd, record.buffer, record.length, record.offset, record.flags);
    }

private:
    std::string path_, other_, link_;
    std::array<char, 512> buffer_{};
    std::array<iovec, 1> parts_{};
    struct statx answer_{};
    path_request asked_;
};

constexpr io_kind kinds_of_files[] = {io_kind::readv, io_kind::writev, io_kind::truncate, io_kind::allocate,
    io_kind::change_mode, io_kind::copy_range, io_kind::read_directory, io_kind::stat_path, io_kind::read_link,
    io_kind::rename, io_kind::unlink, io_kind::make_directory, io_kind::link, io_kind::symlink, io_kind::watch_path};

task<std::string> state_of(stage& on, const samples& of, int fd) {
    std::string text = co_await text_of(on, fd);
    const struct statx known = co_await stat_of(on, fd);
    text += " " + std::to_string(known.stx_mode & 0777) + " " + std::to_string(known.stx_nlink);
    const int other = co_await open_path(on, of.path(), O_RDONLY);
    if (other >= 0) co_await close_file(on, other);
    text += other >= 0 ? " named" : " nameless";
    co_return text;
}
}  // namespace

DRIVER_CASE(what_was_cancelled_before_it_began_does_nothing) {
    const auto of = std::make_unique<samples>(on);
    const int fd = co_await new_file(on, of->path(), "0123456789");
    const std::string before = co_await state_of(on, *of, fd);
    for (const io_kind kind : kinds_of_files) {
        io_operation record(kind, [](io_operation&) noexcept { ADD_FAILURE() << "it never began"; });
        of->fill(record, fd);
        on.driver.cancel(record);
        EXPECT_FALSE(on.driver.submit(record)) << static_cast<int>(kind);
        EXPECT_EQ(record.result, -ECANCELED) << static_cast<int>(kind);
    }
    const std::string after = co_await state_of(on, *of, fd);
    EXPECT_EQ(after, before);
    co_await close_file(on, fd);
}

DRIVER_CASE(a_cancellation_that_comes_too_late_changes_nothing) {
    const auto of = std::make_unique<samples>(on);
    const int fd = co_await new_file(on, of->path(), "0123456789");
    for (const io_kind kind : kinds_of_files) {
        const std::unique_ptr<pending> done = of->start(on, kind, fd);
        const int result = co_await done->result();
        EXPECT_NE(result, -ECANCELED) << static_cast<int>(kind);
        done->cancel();
        done->cancel();
        EXPECT_EQ(done->result_now(), result) << static_cast<int>(kind);
    }
    co_await close_file(on, fd);
}

DRIVER_CASE(no_operation_is_carried_out_on_a_closed_descriptor) {
    const auto of = std::make_unique<samples>(on);
    const int fd = co_await new_file(on, of->path(), "0123456789");
    co_await close_file(on, fd);
    for (const io_kind kind : kinds_of_files) {
        if (!has_descriptor(kind)) continue;
        const std::unique_ptr<pending> asked = of->start(on, kind, fd);
        const int result = co_await asked->result();
        EXPECT_EQ(result, -EBADF) << static_cast<int>(kind);
    }
}

DRIVER_CASE(nothing_about_files_begins_during_shutdown) {
    const auto of = std::make_unique<samples>(on);
    const int fd = co_await new_file(on, of->path(), "0123456789");
    on.driver.cancel_all();
    for (const io_kind kind : kinds_of_files) {
        io_operation record(kind, [](io_operation&) noexcept { ADD_FAILURE() << "it never began"; });
        of->fill(record, fd);
        EXPECT_FALSE(on.driver.submit(record)) << static_cast<int>(kind);
        EXPECT_EQ(record.result, -ECANCELED) << static_cast<int>(kind);
    }
    on.driver.close_now(fd);
}
