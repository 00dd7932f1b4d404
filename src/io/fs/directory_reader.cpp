// src/io/fs/directory_reader.cpp: entries as getdents64(2) gives them.
// SPDX-License-Identifier: MIT

#include "io/fs/directory_reader.hpp"

#include <cstring>

#include <dirent.h>
#include <fcntl.h>

#include "weft/base/error.hpp"
#include "weft/io/detail/descriptor_operation.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

// struct linux_dirent64: inode, offset, length of the record, kind, and the name with its zero.
constexpr std::size_t length_at = 16;
constexpr std::size_t kind_at = 18;
constexpr std::size_t name_at = 19;

file_kind kind_of(unsigned char kind) noexcept {
    switch (kind) {
        case DT_REG: return file_kind::regular;
        case DT_DIR: return file_kind::directory;
        case DT_LNK: return file_kind::link;
        case DT_BLK: return file_kind::block_device;
        case DT_CHR: return file_kind::character_device;
        case DT_FIFO: return file_kind::fifo;
        case DT_SOCK: return file_kind::socket;
        default: return file_kind::unknown;
    }
}

}  // namespace

task<> directory_reader::open(std::string path, bool follow, cancellation_token token) {
    const int flags = O_RDONLY | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW);
    owner_ =
        co_await open_descriptor(std::move(path), static_cast<std::uint32_t>(flags), permissions::none, std::move(token))
            .configure_await(false);
    buffer_.resize(buffer_size);
    count_ = at_ = 0;
}

task<bool> directory_reader::fill(cancellation_token token) {
    at_ = count_ = 0;
    detail::io_request request(owner_.get(), buffer_.data(), buffer_.size(), std::move(token));
    count_ = co_await detail::read_directory_operation(std::move(request)).configure_await(false);
    co_return count_ != 0;
}

bool directory_reader::next(entry& into) noexcept {
    while (at_ < count_) {
        const char* const record = reinterpret_cast<const char*>(buffer_.data()) + at_;
        std::uint16_t length = 0;
        std::memcpy(&length, record + length_at, sizeof length);
        at_ += length;
        into.name = record + name_at;
        into.kind = kind_of(static_cast<unsigned char>(record[kind_at]));
        if (into.name != "." && into.name != "..") return true;
    }
    return false;
}

}  // namespace weft::inline WEFT_ABI::fs
