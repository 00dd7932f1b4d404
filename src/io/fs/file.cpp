// src/io/fs/file.cpp: opening, and the calls that need more than one operation.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/file.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "io/fs/file_state.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

std::uint32_t system_flags(open_mode mode) {
    const bool reads = mode & open_mode::read;
    const bool writes = (mode & open_mode::write) || (mode & open_mode::append);
    if (!reads && !writes)
        throw std::invalid_argument("a file is opened to read, to write, or both: open_mode says neither");
    int flags = reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
    if (mode & open_mode::create) flags |= O_CREAT;
    if (mode & open_mode::truncate) flags |= O_TRUNC;
    if (mode & open_mode::append) flags |= O_APPEND;
    if (mode & open_mode::exclusive) flags |= O_EXCL;
    if (mode & open_mode::no_follow) flags |= O_NOFOLLOW;
    if (mode & open_mode::unnamed) flags |= O_TMPFILE;
    if (mode & open_mode::direct) flags |= O_DIRECT;
    if (mode & open_mode::write_through) flags |= O_DSYNC;
    return static_cast<std::uint32_t>(flags);
}

/// Spans as the kernel reads them. Lives in the frame of the call: up to 16 need no allocation.
class vectors {
public:
    template <class Byte>
    explicit vectors(std::span<const std::span<Byte>> buffers) {
        count_ = std::min<std::size_t>(buffers.size(), IOV_MAX);
        if (count_ > few_.size()) {
            many_.resize(count_);
            parts_ = many_.data();
        }
        for (std::size_t i = 0; i < count_; ++i) {
            parts_[i].iov_base = const_cast<std::byte*>(buffers[i].data());
            parts_[i].iov_len = buffers[i].size();
        }
        taken_ = count_;
    }
    vectors(const vectors&) = delete;
    vectors& operator=(const vectors&) = delete;

    [[nodiscard]] const iovec* data() const noexcept { return parts_ + (taken_ - count_); }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// What was moved needs no second time. @returns whether there is more
    [[nodiscard]] bool advance(std::size_t bytes) noexcept {
        while (count_ != 0) {
            iovec& first = parts_[taken_ - count_];
            if (bytes < first.iov_len) {
                first.iov_base = static_cast<char*>(first.iov_base) + bytes;
                first.iov_len -= bytes;
                return true;
            }
            bytes -= first.iov_len;
            --count_;
        }
        return false;
    }

private:
    std::array<iovec, 16> few_{};
    std::vector<iovec> many_;
    iovec* parts_ = few_.data();
    std::size_t count_ = 0;  // those that are left,
    std::size_t taken_ = 0;  // of so many
};

file_kind kind_of(std::uint16_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFREG: return file_kind::regular;
        case S_IFDIR: return file_kind::directory;
        case S_IFLNK: return file_kind::link;
        case S_IFBLK: return file_kind::block_device;
        case S_IFCHR: return file_kind::character_device;
        case S_IFIFO: return file_kind::fifo;
        case S_IFSOCK: return file_kind::socket;
        default: return file_kind::unknown;
    }
}

file_time time_from(const statx_timestamp& when) noexcept {
    return file_time(std::chrono::seconds(when.tv_sec) + std::chrono::nanoseconds(when.tv_nsec));
}

}  // namespace

file_info info_from(const struct statx& answer) noexcept {
    file_info info;
    info.kind = kind_of(answer.stx_mode);
    info.mode = static_cast<permissions>(answer.stx_mode & 07777);
    info.size = answer.stx_size;
    info.allocated = answer.stx_blocks * 512;
    info.modified = time_from(answer.stx_mtime);
    info.changed = time_from(answer.stx_ctime);
    info.accessed = time_from(answer.stx_atime);
    if ((answer.stx_mask & STATX_BTIME) != 0) info.created = time_from(answer.stx_btime);
    info.links = answer.stx_nlink;
    info.device = static_cast<std::uint64_t>(answer.stx_dev_major) << 32 | answer.stx_dev_minor;
    info.inode = answer.stx_ino;
    info.owner = answer.stx_uid;
    info.group = answer.stx_gid;
    return info;
}

task<detail::descriptor_owner> open_descriptor(
    std::string path, std::uint32_t flags, permissions created, cancellation_token token) {
    auto* const state = new file_state(detail::current_io_driver(), std::move(path));
    detail::descriptor_owner owner(state);
    const auto mode = static_cast<std::size_t>(created);  // the umask takes away what the user does not want
    detail::io_request request(state, state->path(), mode, std::move(token), flags);
    const int fd = co_await detail::open_operation(std::move(request)).configure_await(false);
    state->opened(fd);
    co_return owner;
}

task<file> file::open(std::string path, open_mode mode, cancellation_token token) {
    return open(std::move(path), mode, permissions::everyone, std::move(token));
}

task<file> file::open(std::string path, open_mode mode, permissions created, cancellation_token token) {
    const std::uint32_t flags = system_flags(mode);
    detail::descriptor_owner owner =
        co_await open_descriptor(std::move(path), flags, created, std::move(token)).configure_await(false);
    file result{std::move(owner)};
    co_return result;
}

detail::descriptor_state& file::state() const {
    if (owner_.get() == nullptr) throw object_disposed("file");
    return *owner_.get();
}

detail::io_request file::request(
    const void* data, std::size_t size, cancellation_token&& token, std::uint64_t offset) const {
    return detail::io_request(&state(), const_cast<void*>(data), size, std::move(token), offset);
}

std::string file::path() const { return state().name(); }

task<> file::write_all(std::uint64_t offset, std::span<const std::byte> data, cancellation_token token) {
    // An empty write still reports a closed file or a cancelled token.
    do {
        detail::io_request part = request(data.data(), data.size(), cancellation_token(token), offset);
        const std::size_t count = co_await detail::write_operation(std::move(part)).configure_await(false);
        data = data.subspan(count);
        if (offset != io_operation::no_offset) offset += count;
    } while (!data.empty());
}

task<> file::write(std::span<const std::byte> data, cancellation_token token) {
    return write_all(io_operation::no_offset, data, std::move(token));
}

task<> file::write(std::string_view text, cancellation_token token) {
    return write_all(io_operation::no_offset, std::as_bytes(std::span(text)), std::move(token));
}

task<> file::write_at(std::uint64_t offset, std::span<const std::byte> data, cancellation_token token) {
    return write_all(offset, data, std::move(token));
}

task<> file::sync(bool data_only, cancellation_token token) {
    return detail::sync_operation(request(nullptr, 0, std::move(token), data_only ? 1 : 0));
}

// ---- several buffers

task<std::size_t> file::read_parts(
    std::uint64_t offset, std::span<const std::span<std::byte>> buffers, cancellation_token token) {
    const vectors parts(buffers);
    detail::io_request asked = request(parts.data(), parts.count(), std::move(token), offset);
    co_return co_await detail::read_vectored_operation(std::move(asked)).configure_await(false);
}

task<> file::write_parts(
    std::uint64_t offset, std::span<const std::span<const std::byte>> buffers, cancellation_token token) {
    // An empty write still reports a closed file or a cancelled token.
    do {
        vectors parts(buffers);
        buffers = buffers.subspan(parts.count());
        bool more = true;
        while (more) {
            detail::io_request asked = request(parts.data(), parts.count(), cancellation_token(token), offset);
            const std::size_t count = co_await detail::write_vectored_operation(std::move(asked)).configure_await(false);
            if (offset != io_operation::no_offset) offset += count;
            more = parts.advance(count);
        }
    } while (!buffers.empty());
}

task<std::size_t> file::read_vectored(std::span<const std::span<std::byte>> buffers, cancellation_token token) {
    return read_parts(io_operation::no_offset, buffers, std::move(token));
}

task<std::size_t> file::read_vectored_at(
    std::uint64_t offset, std::span<const std::span<std::byte>> buffers, cancellation_token token) {
    return read_parts(offset, buffers, std::move(token));
}

task<> file::write_vectored(std::span<const std::span<const std::byte>> buffers, cancellation_token token) {
    return write_parts(io_operation::no_offset, buffers, std::move(token));
}

task<> file::write_vectored_at(
    std::uint64_t offset, std::span<const std::span<const std::byte>> buffers, cancellation_token token) {
    return write_parts(offset, buffers, std::move(token));
}

// ---- what the file is like

task<> file::truncate(std::uint64_t size, cancellation_token token) {
    return detail::truncate_operation(request(nullptr, 0, std::move(token), size));
}

task<> file::allocate(std::uint64_t size, bool keep_size, cancellation_token token) {
    return detail::allocate_operation(request(nullptr, keep_size ? 1 : 0, std::move(token), size));
}

task<> file::set_permissions(permissions mode, cancellation_token token) {
    return detail::change_mode_operation(request(nullptr, 0, std::move(token), static_cast<std::uint64_t>(mode)));
}

task<file_info> file::stat(cancellation_token token) {
    const auto answer = std::make_unique<struct statx>();
    detail::io_request question = request(answer.get(), 0, std::move(token), STATX_BASIC_STATS | STATX_BTIME);
    co_await detail::stat_operation(std::move(question)).configure_await(false);
    co_return info_from(*answer);
}

task<std::uint64_t> file::size(cancellation_token token) {
    const auto answer = std::make_unique<struct statx>();
    detail::io_request question = request(answer.get(), 0, std::move(token), STATX_SIZE);
    co_await detail::stat_operation(std::move(question)).configure_await(false);
    co_return answer->stx_size;
}

}  // namespace weft::inline WEFT_ABI::fs
