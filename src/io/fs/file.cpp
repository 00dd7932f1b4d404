// src/io/fs/file.cpp: opening, and the calls that need more than one operation.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/file.hpp"

#include <memory>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

class file_state final : public detail::descriptor_state {
public:
    file_state(io_driver& driver, std::string path) noexcept : descriptor_state(driver, -1), path_(std::move(path)) {}

    [[nodiscard]] const char* kind() const noexcept override { return "file"; }
    [[nodiscard]] std::string name() const override { return path_; }
    [[nodiscard]] char* path() noexcept { return path_.data(); }
    void opened(int fd) noexcept { adopt(fd); }

protected:
    [[nodiscard]] bool closes_quickly() const noexcept override { return false; }

private:
    std::string path_;
};

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
    return static_cast<std::uint32_t>(flags);
}

}  // namespace

task<file> file::open(std::string path, open_mode mode, cancellation_token token) {
    const std::uint32_t flags = system_flags(mode);
    auto* const state = new file_state(detail::current_io_driver(), std::move(path));
    file result{detail::descriptor_owner(state)};
    constexpr std::size_t permissions = 0666;  // the umask takes away what the user does not want
    detail::io_request request(state, state->path(), permissions, std::move(token), flags);
    const int fd = co_await detail::open_operation(std::move(request)).configure_await(false);
    state->opened(fd);
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

task<std::uint64_t> file::size(cancellation_token token) {
    const auto answer = std::make_unique<struct statx>();
    detail::io_request question = request(answer.get(), 0, std::move(token), STATX_SIZE);
    co_await detail::stat_operation(std::move(question)).configure_await(false);
    co_return answer->stx_size;
}

}  // namespace weft::inline WEFT_ABI::fs
