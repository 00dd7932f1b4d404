// src/io/fs/copy.cpp: a file copied piece by piece: by the kernel where it can, else through a buffer.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <exception>

#include "io/fs/directory_sync.hpp"
#include "io/fs/unique_name.hpp"
#include "weft/base/error.hpp"
#include "weft/io/fs/directory.hpp"
#include "weft/io/fs/file_operations.hpp"

namespace weft::inline WEFT_ABI::fs {

/// Moves the next piece from where both files stand.
class file_copy {
public:
    file_copy(file& from, file& to) noexcept : from_(&from), to_(&to) {}

    /// @returns the number of bytes, 0 at the end
    [[nodiscard]] task<std::size_t> next(cancellation_token token) {
        if (by_kernel_) {
            const int count = co_await ask_kernel(token).configure_await(false);
            if (count > 0) co_return static_cast<std::size_t>(count);
            // Refused; or a file that does not tell its size, of which the kernel copies nothing: reading tells.
            by_kernel_ = false;
            buffer_.resize(piece_read);
        }
        const std::size_t count = co_await from_->read(buffer_, token).configure_await(false);
        const std::span<const std::byte> filled = std::span(buffer_).first(count);
        if (count != 0) co_await to_->write(filled, std::move(token)).configure_await(false);
        co_return count;
    }

private:
    // Cancellation and progress come between pieces: small enough for both, large enough for the disk.
    static constexpr std::size_t piece_by_kernel = std::size_t{8} << 20;
    static constexpr std::size_t piece_read = std::size_t{256} << 10;

    /// @returns 0 also when the kernel cannot copy between these two
    [[nodiscard]] task<int> ask_kernel(cancellation_token token) {
        const detail::descriptor_use hold(from_->state());
        const auto source = static_cast<std::uint64_t>(from_->state().fd());
        detail::io_request request = to_->request(nullptr, piece_by_kernel, std::move(token), source);
        const int result = co_await detail::copy_range_operation(std::move(request)).configure_await(false);
        if (result >= 0) co_return result;
        switch (-result) {
            case EXDEV:
            case EINVAL:
            case ENOSYS:
            case EOPNOTSUPP:
            case EPERM:
            case EISDIR:
            case EBADF: co_return 0;
            default: throw io_error(std::error_code(-result, std::generic_category()), attempt());
        }
    }
    [[nodiscard]] std::string attempt() const { return "copy '" + from_->path() + "' to '" + to_->path() + "'"; }

    file* from_;
    file* to_;
    bool by_kernel_ = true;
    std::vector<std::byte> buffer_;
};

namespace {

task<std::uint64_t> move_bytes(file& from, file& to, const copy_options& options, cancellation_token token) {
    std::uint64_t done = 0;
    file_copy pieces(from, to);
    for (;;) {
        token.throw_if_cancellation_requested();
        const std::size_t count = co_await pieces.next(token).configure_await(false);
        if (count == 0) break;
        done += count;
        if (options.progress != nullptr) options.progress->report(done);
    }
    const file_info known = co_await from.stat(token).configure_await(false);
    co_await to.set_permissions(known.mode & permissions::everyone_enters, token).configure_await(false);
    if (options.sync) co_await to.sync(false, std::move(token)).configure_await(false);
    co_return done;
}

/// A target that would be emptied before it was read.
task<> refuse_itself(file& from, std::string to, cancellation_token token) {
    const file_info source = co_await from.stat(token).configure_await(false);
    const std::optional<file_info> known = co_await try_stat(to, links::follow, std::move(token)).configure_await(false);
    if (!known.has_value() || known->device != source.device || known->inode != source.inode) co_return;
    throw io_error(std::error_code(EINVAL, std::generic_category()), "copy '" + from.path() + "' to itself, '" + to + "'");
}

task<file> open_target(const std::string& to, const copy_options& options, std::string& name, cancellation_token token) {
    if (options.overwrite && !options.keep_partial) {
        std::string stem = stem_beside(to);
        co_return co_await create_unique(std::move(stem), permissions::owner_only, name, std::move(token))
            .configure_await(false);
    }
    name = to;
    const open_mode mode =
        open_mode::write | open_mode::create | (options.overwrite ? open_mode::truncate : open_mode::exclusive);
    co_return co_await file::open(to, mode, permissions::owner_only, std::move(token)).configure_await(false);
}

}  // namespace

task<std::uint64_t> copy(std::string from, std::string to, copy_options options, cancellation_token token) {
    file source = co_await file::open(std::move(from), open_mode::read, token).configure_await(false);
    if (options.overwrite && options.keep_partial) co_await refuse_itself(source, to, token).configure_await(false);
    std::string name;
    file target = co_await open_target(to, options, name, token).configure_await(false);
    detail::descriptor_owner directory;
    std::exception_ptr failed;
    std::uint64_t count = 0;
    try {
        count = co_await move_bytes(source, target, options, token).configure_await(false);
        co_await target.close().configure_await(false);
        if (options.sync) {
            std::string in = directory_of(to);
            directory = co_await open_directory(std::move(in), token).configure_await(false);
        }
        if (name != to) co_await rename(name, to, std::move(token)).configure_await(false);
    } catch (...) {
        failed = std::current_exception();
    }
    if (failed != nullptr) {
        if (!options.keep_partial) co_await discard(target, std::move(name)).configure_await(false);
        std::rethrow_exception(failed);
    }
    co_await close_quietly(source).configure_await(false);
    if (options.sync) co_await sync_named(std::move(directory)).configure_await(false);
    co_return count;
}

}  // namespace weft::inline WEFT_ABI::fs
