// src/testing_io/file_handle.cpp: reading and writing, as the kernel's calls do it.
// SPDX-License-Identifier: MIT

#include "testing_io/file_handle.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "testing_io/simulation.hpp"

namespace weft::inline WEFT_ABI::testing {

int file_handle::read(io_operation& operation) {
    if ((flags_ & O_ACCMODE) == O_WRONLY) return -EBADF;
    if (file_ == nullptr) return -EISDIR;
    const bool moves = operation.offset == io_operation::no_offset;
    const std::uint64_t from = moves ? position_ : operation.offset;
    if (from >= file_->contents.size()) return 0;
    const auto there = static_cast<std::size_t>(file_->contents.size() - from);
    const std::size_t count = world_->shorten_read(std::min<std::size_t>(there, operation.length));
    std::memcpy(operation.buffer, file_->contents.data() + from, count);
    if (moves) position_ = from + count;
    return static_cast<int>(count);
}

int file_handle::write(io_operation& operation) {
    if ((flags_ & O_ACCMODE) == O_RDONLY) return -EBADF;
    if (operation.length == 0) return 0;
    const bool moves = operation.offset == io_operation::no_offset;
    std::uint64_t from = moves ? position_ : operation.offset;
    if ((flags_ & O_APPEND) != 0) from = file_->contents.size();
    const std::uint64_t end = node().files.room(*file_, from + operation.length);
    if (end <= from) return -ENOSPC;
    const std::size_t count = world_->shorten_write(static_cast<std::size_t>(end - from));
    file_->write(from, std::string_view(static_cast<const char*>(operation.buffer), count));
    if (moves) position_ = from + count;
    return static_cast<int>(count);
}

int file_handle::attempt(io_operation& operation) {
    switch (operation.kind) {
        case io_kind::read: return read(operation);
        case io_kind::write: return write(operation);
        case io_kind::sync:
            if (sync_error_ != 0) return -sync_error_;
            if (file_ != nullptr) file_->sync();
            return 0;
        case io_kind::stat: {
            auto& answer = *static_cast<struct statx*>(operation.buffer);
            answer = {};
            answer.stx_mask = STATX_SIZE | STATX_TYPE;
            answer.stx_mode = file_ == nullptr ? S_IFDIR : S_IFREG;
            answer.stx_size = file_ == nullptr ? 4096 : file_->contents.size();
            return 0;
        }
        // Always ready, says poll(2); epoll and io_uring cannot tell.
        case io_kind::poll: return static_cast<int>(operation.flags) & (POLLIN | POLLOUT);
        default: return -ENOTSOCK;
    }
}

}  // namespace weft::inline WEFT_ABI::testing
