// src/io/fs/file_info.cpp: asking what the file system knows of a name.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/file_info.hpp"

#include <cerrno>

#include <fcntl.h>

#include "io/fs/file_state.hpp"
#include "io/fs/path_call.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

std::uint32_t system_flags(links at_end) noexcept { return at_end == links::stay ? AT_SYMLINK_NOFOLLOW : 0; }

}  // namespace

void path_call::check(int result) const {
    if (result < 0) throw io_error(std::error_code(-result, std::generic_category()), state_->name());
}

task<file_info> stat(std::string path, links at_end, cancellation_token token) {
    path_call call("ask for the state of", std::move(path));
    co_await must_carry_out<io_kind::stat_path>(call, 0, system_flags(at_end), std::move(token)).configure_await(false);
    co_return info_from(call.state().answer);
}

task<std::optional<file_info>> try_stat(std::string path, links at_end, cancellation_token token) {
    path_call call("ask for the state of", std::move(path));
    const int result =
        co_await carry_out<io_kind::stat_path>(call, 0, system_flags(at_end), std::move(token)).configure_await(false);
    if (result == -ENOENT || result == -ENOTDIR) co_return std::nullopt;
    call.check(result);
    co_return info_from(call.state().answer);
}

task<bool> exists(std::string path, cancellation_token token) {
    const std::optional<file_info> found =
        co_await try_stat(std::move(path), links::follow, std::move(token)).configure_await(false);
    co_return found.has_value();
}

}  // namespace weft::inline WEFT_ABI::fs
