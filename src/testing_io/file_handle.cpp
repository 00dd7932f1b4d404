// src/testing_io/file_handle.cpp: reading and writing, as the kernel's calls do it.
// SPDX-License-Identifier: MIT

#include "testing_io/file_handle.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "testing_io/simulation.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {
// More makes no sense in memory.
constexpr std::size_t most_parts = 1024;  // IOV_MAX
constexpr std::uint64_t longest_file = std::uint64_t{1} << 32;
}  // namespace

bool file_handle::reads() const noexcept { return (flags_ & O_ACCMODE) != O_WRONLY; }
bool file_handle::writes() const noexcept { return (flags_ & O_ACCMODE) != O_RDONLY; }

int file_handle::read(void* buffer, std::size_t length, std::uint64_t offset) {
    if (!reads()) return -EBADF;
    if (file_ == nullptr) return -EISDIR;
    const bool moves = offset == io_operation::no_offset;
    const std::uint64_t from = moves ? position_ : offset;
    if (from >= file_->contents.size()) return 0;
    const auto there = static_cast<std::size_t>(file_->contents.size() - from);
    const std::size_t count = world_->shorten_read(std::min<std::size_t>(there, length));
    std::memcpy(buffer, file_->contents.data() + from, count);
    if (moves) position_ = from + count;
    return static_cast<int>(count);
}

int file_handle::write(const void* buffer, std::size_t length, std::uint64_t offset) {
    if (!writes()) return -EBADF;
    if (length == 0) return 0;
    const bool moves = offset == io_operation::no_offset;
    std::uint64_t from = moves ? position_ : offset;
    if ((flags_ & O_APPEND) != 0) from = file_->contents.size();
    const std::uint64_t end = node().files.room(*file_, from + length);
    if (end <= from) return -ENOSPC;
    const std::size_t count = world_->shorten_write(static_cast<std::size_t>(end - from));
    file_->write(from, std::string_view(static_cast<const char*>(buffer), count));
    file_->modified = world_->now().time_since_epoch().count();
    if (moves) position_ = from + count;
    if ((flags_ & O_DSYNC) != 0) node().files.sync(file_);
    return static_cast<int>(count);
}

// As one read or write of everything; what of it is done goes into the parts, or comes from them, in order.
int file_handle::move_parts(const io_operation& operation) {
    const auto* const parts = static_cast<const iovec*>(operation.buffer);
    const std::size_t count = operation.length;
    if (count > most_parts) return -EINVAL;
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
        if (parts[i].iov_len == 0) continue;
        if (operation.kind == io_kind::writev) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        else all.resize(all.size() + parts[i].iov_len);
    }
    if (operation.kind == io_kind::writev) return write(all.data(), all.size(), operation.offset);
    const int got = read(all.data(), all.size(), operation.offset);
    std::string_view rest(all.data(), static_cast<std::size_t>(std::max(got, 0)));
    for (std::size_t i = 0; i < count && !rest.empty(); ++i) {
        const std::size_t fits = std::min(rest.size(), parts[i].iov_len);
        if (fits != 0) std::memcpy(parts[i].iov_base, rest.data(), fits);
        rest.remove_prefix(fits);
    }
    return got;
}

int file_handle::sync() {
    if (sync_error_ != 0) return -sync_error_;
    if (file_ != nullptr) node().files.sync(file_);
    else node().files.sync_directory(path_);
    return 0;
}

int file_handle::resize(std::uint64_t size, bool only_up) {
    if (file_ == nullptr || !writes()) return only_up ? -EBADF : -EINVAL;
    if (size > longest_file) return -EFBIG;
    if (only_up && (size == 0 || node().files.room(*file_, size) < size)) return size == 0 ? -EINVAL : -ENOSPC;
    if (only_up && size <= file_->contents.size()) return 0;
    file_->resize(size);
    file_->modified = world_->now().time_since_epoch().count();
    return 0;
}

int file_handle::copy_from(const io_operation& operation) {
    auto* const from = dynamic_cast<file_handle*>(world_->find(static_cast<int>(operation.flags)));
    if (from == nullptr || !from->reads() || !writes() || (flags_ & O_APPEND) != 0) return -EBADF;
    if (from->file_ == nullptr) return -EISDIR;
    if (from->file_ == file_) return -EINVAL;
    const std::string& source = from->file_->contents;
    if (from->position_ >= source.size()) return 0;
    const std::size_t there = std::min<std::size_t>(source.size() - from->position_, operation.length);
    const std::size_t count = world_->shorten_read(there);
    const int written = write(source.data() + from->position_, count, io_operation::no_offset);
    if (written > 0) from->position_ += static_cast<std::size_t>(written);
    return written;
}

// As getdents64(2): inode, position, length of the record, kind, name.
int file_handle::list(char* buffer, std::size_t length) {
    if (file_ != nullptr) return -ENOTDIR;
    if (position_ == 0) {
        names_.assign({".", ".."});
        if (!node().files.list(path_, names_)) return -ENOENT;
    }
    std::size_t used = 0;
    for (; position_ < names_.size(); ++position_) {
        const std::string& name = names_[position_];
        constexpr std::size_t head = 19;
        const std::size_t size = (head + name.size() + 1 + 7) / 8 * 8;
        if (used + size > length) return used == 0 ? -EINVAL : static_cast<int>(used);
        const file_system::found what = node().files.look_up(path_ + "/" + name, false);
        char* const record = buffer + used;
        std::memset(record, 0, size);
        const auto record_length = static_cast<std::uint16_t>(size);
        std::memcpy(record + 16, &record_length, sizeof record_length);
        const bool is_link = what.file != nullptr && what.file->is_link;
        record[18] = static_cast<char>(what.file == nullptr ? DT_DIR : is_link ? DT_LNK : DT_REG);
        std::memcpy(record + head, name.data(), name.size());
        used += size;
    }
    return static_cast<int>(used);
}

void describe(const file_system& files, const file_system::found& what, struct statx& answer) {
    answer = {};
    answer.stx_mask = STATX_BASIC_STATS;
    if (what.file == nullptr) {
        answer.stx_mode = static_cast<std::uint16_t>(S_IFDIR | files.mode_of_directory(what.path));
        answer.stx_size = 4096;
        answer.stx_nlink = 2;
        answer.stx_ino = std::hash<std::string>()(what.path) | std::uint64_t{1} << 63;
        return;
    }
    const file_node& file = *what.file;
    answer.stx_mode = static_cast<std::uint16_t>((file.is_link ? S_IFLNK : S_IFREG) | file.mode);
    answer.stx_size = file.contents.size();
    answer.stx_blocks = (file.contents.size() + 511) / 512;
    answer.stx_nlink = static_cast<std::uint32_t>(files.links_of(file));
    answer.stx_ino = file.number;
    answer.stx_mtime.tv_sec = file.modified / 1'000'000'000;
    answer.stx_mtime.tv_nsec = static_cast<std::uint32_t>(file.modified % 1'000'000'000);
    answer.stx_ctime = answer.stx_atime = answer.stx_mtime;
}

int file_handle::attempt(io_operation& operation) {
    switch (operation.kind) {
        case io_kind::read: return read(operation.buffer, operation.length, operation.offset);
        case io_kind::write: return write(operation.buffer, operation.length, operation.offset);
        case io_kind::readv:
        case io_kind::writev: return move_parts(operation);
        case io_kind::sync: return sync();
        case io_kind::truncate: return resize(operation.offset, false);
        case io_kind::allocate:
            if (operation.flags != 0 && file_ != nullptr && writes()) return 0;
            return resize(operation.offset, true);
        case io_kind::change_mode:
            if (file_ != nullptr) file_->mode = operation.flags & 07777;
            return 0;
        case io_kind::copy_range: return copy_from(operation);
        case io_kind::watch_path: return -EINVAL;
        case io_kind::read_directory: return list(static_cast<char*>(operation.buffer), operation.length);
        case io_kind::stat: {
            file_system::found self;
            self.file = file_;
            self.path = path_;
            describe(node().files, self, *static_cast<struct statx*>(operation.buffer));
            return 0;
        }
        // Always ready, says poll(2); epoll and io_uring cannot tell.
        case io_kind::poll: return static_cast<int>(operation.flags) & (POLLIN | POLLOUT);
        default: return -ENOTSOCK;
    }
}

}  // namespace weft::inline WEFT_ABI::testing
