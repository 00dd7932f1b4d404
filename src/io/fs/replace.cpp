// src/io/fs/replace.cpp: a file replaced in one step. In this order, or a power cut leaves half of it:
//
//   1. the new contents go to a file beside it (the same file system, so that it can be renamed)
//   2. that file is brought to the disk; a name that is on the disk before the contents would lead to an empty file
//   3. it gets the old one's name: from here on readers see the new contents
//   4. the directory is brought to the disk; before that a power cut may bring the old name back, with the old contents
//
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <exception>

#include <limits.h>

#include "io/fs/directory_sync.hpp"
#include "io/fs/unique_name.hpp"
#include "weft/base/error.hpp"
#include "weft/io/fs/directory.hpp"
#include "weft/io/fs/file_operations.hpp"

namespace weft::inline WEFT_ABI::fs {

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

namespace {

/// The most that fits into a name together with what a temporary one adds; of UTF-8 no character is cut in two.
std::string_view shortened(std::string_view name) noexcept {
    constexpr std::size_t added = 2 + unique_letters;  // two dots
    constexpr std::size_t longest = NAME_MAX - added;
    if (name.size() <= longest) return name;
    std::size_t end = longest;
    const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(name[at]) & 0xC0U) == 0x80U; };
    while (end > longest - 3 && continues(end)) --end;  // what is no UTF-8 may be cut anywhere
    return name.substr(0, end);
}

}  // namespace

std::string stem_beside(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
    std::string stem = path.substr(0, name) + ".";
    stem.append(shortened(std::string_view(path).substr(name))).append(".");
    return stem;
}

namespace {

// As many links as the kernel follows.
constexpr int most_links = 40;

/// Follows links to what is to be replaced, which need not be there. @param path  is set to where that is
task<std::optional<file_info>> find_target(std::string& path, cancellation_token token) {
    for (int i = 0; i < most_links; ++i) {
        const std::optional<file_info> known = co_await try_stat(path, links::stay, token).configure_await(false);
        if (!known.has_value() || !known->is_link()) co_return known;
        const std::string text = co_await read_link(path, token).configure_await(false);
        path = text.starts_with('/') ? std::string() : directory_of(path).append("/");
        path.append(text);
    }
    throw io_error(std::error_code(ELOOP, std::generic_category()), "replace '" + path + "'");
}

task<> fill(file& beside, std::span<const std::byte> data, const std::optional<file_info>& old, cancellation_token token) {
    constexpr permissions kept = permissions::everyone_enters;  // no bits that give somebody else's rights
    if (old.has_value()) co_await beside.set_permissions(old->mode & kept, token).configure_await(false);
    co_await beside.write(data, token).configure_await(false);
    co_await beside.sync(false, token).configure_await(false);
    co_await beside.close().configure_await(false);
    token.throw_if_cancellation_requested();
}

task<> replace(std::string path, std::span<const std::byte> data, cancellation_token token) {
    const std::optional<file_info> old = co_await find_target(path, token).configure_await(false);
    if (old.has_value() && !old->is_regular()) {
        const int code = old->is_directory() ? EISDIR : EINVAL;
        throw io_error(std::error_code(code, std::generic_category()), "replace '" + path + "'");
    }
    std::string name;
    std::string stem = stem_beside(path);
    const permissions created = old.has_value() ? permissions::owner_only : permissions::everyone;
    file beside = co_await create_unique(std::move(stem), created, name, token).configure_await(false);
    detail::descriptor_owner directory;
    std::exception_ptr failed;
    try {
        co_await fill(beside, data, old, token).configure_await(false);
        std::string in = directory_of(path);
        directory = co_await open_directory(std::move(in), std::move(token)).configure_await(false);
        co_await rename(name, path).configure_await(false);
    } catch (...) {
        failed = std::current_exception();
    }
    if (failed != nullptr) {
        co_await discard(beside, std::move(name)).configure_await(false);
        std::rethrow_exception(failed);
    }
    co_await sync_named(std::move(directory)).configure_await(false);
}

}  // namespace

task<> close_quietly(file& of) { return of.owner_.close(); }

task<> discard(file& unwanted, std::string path) {
    co_await close_quietly(unwanted).configure_await(false);
    try {
        static_cast<void>(co_await remove(std::move(path)).configure_await(false));
    } catch (const std::exception&) {
        co_return;  // what failed before is what the caller hears of
    }
}

task<> replace_all_text(std::string path, std::string_view text, cancellation_token token) {
    return replace(std::move(path), std::as_bytes(std::span(text)), std::move(token));
}

task<> replace_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token) {
    return replace(std::move(path), data, std::move(token));
}

}  // namespace weft::inline WEFT_ABI::fs
