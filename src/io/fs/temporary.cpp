// src/io/fs/temporary.cpp: made under names nobody has, and removed again.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/temporary.hpp"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>

#include "io/fs/file_state.hpp"
#include "io/fs/path_call.hpp"
#include "io/fs/unique_name.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/io/fs/directory.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

// With 36^12 names another try is needed when somebody guesses them; then not for long.
constexpr int tries = 64;

std::string stem_in(std::string directory, std::string_view prefix) {
    if (directory.empty()) directory = temporary_directory_path();
    if (!directory.ends_with('/')) directory += '/';
    directory.append(prefix);
    return directory;
}

/// Removes what nobody waits for any more; errors have nobody to go to.
task<> remove_quietly(std::string path, bool tree) {
    try {
        if (tree) static_cast<void>(co_await remove_all(std::move(path)).configure_await(false));
        else static_cast<void>(co_await remove(std::move(path)).configure_await(false));
    } catch (const std::exception&) {
        co_return;
    }
}

void start_removal(std::string path, bool tree) noexcept {
    try {
        static_cast<void>(remove_quietly(std::move(path), tree));
    } catch (const std::exception&) {
        return;  // no memory for the frame: the file stays
    }
}

}  // namespace

std::string unique_name(std::string_view stem) {
    static constexpr char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    dispatcher* const home = detail::this_thread_block().home;
    std::uint64_t bits = home != nullptr ? home->random() : runtime::current().random();
    std::string name(stem);
    for (int i = 0; i < unique_letters; ++i) {
        name += letters[bits % 36];
        bits /= 36;
    }
    return name;
}

task<file> create_unique(std::string stem, permissions created, std::string& path, cancellation_token token) {
    constexpr open_mode mode =
        open_mode::read | open_mode::write | open_mode::create | open_mode::exclusive | open_mode::no_follow;
    for (int left = tries;; --left) {
        path = unique_name(stem);
        try {
            co_return co_await file::open(path, mode, created, token).configure_await(false);
        } catch (const io_error& error) {
            if (error.code() != std::errc::file_exists || left == 1) throw;
        }
    }
}

std::string temporary_directory_path() {
    const char* const known = std::getenv("TMPDIR");
    return known == nullptr || *known == '\0' ? "/tmp" : known;
}

// ---- files

task<temporary_file> temporary_file::create(std::string directory, std::string prefix, cancellation_token token) {
    std::string stem = stem_in(std::move(directory), prefix);
    std::string path;
    file opened =
        co_await create_unique(std::move(stem), permissions::owner_only, path, std::move(token)).configure_await(false);
    temporary_file made(std::move(opened), std::move(path));
    co_return made;
}

task<> temporary_file::keep_as(std::string to, cancellation_token token) {
    if (path_.empty()) throw object_disposed("temporary_file");
    co_await file_.close().configure_await(false);
    co_await rename(path_, std::move(to), std::move(token)).configure_await(false);
    path_.clear();
}

task<> temporary_file::dispose() {
    co_await close_quietly(file_).configure_await(false);
    std::string path = std::exchange(path_, std::string());
    if (path.empty()) co_return;
    static_cast<void>(co_await remove(std::move(path)).configure_await(false));
}

void temporary_file::abandon() noexcept {
    if (!path_.empty()) start_removal(std::exchange(path_, std::string()), false);
}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
    if (this == &other) return *this;
    abandon();
    file_ = std::move(other.file_);
    path_ = std::exchange(other.path_, std::string());
    return *this;
}

temporary_file::~temporary_file() { abandon(); }

// ---- directories

task<temporary_directory> temporary_directory::create(std::string directory, std::string prefix, cancellation_token token) {
    const std::string stem = stem_in(std::move(directory), prefix);
    constexpr auto mode = static_cast<std::size_t>(0700);
    for (int left = tries;; --left) {
        std::string path = unique_name(stem);
        path_call call("create the directory", path);
        const int result = co_await carry_out<io_kind::make_directory>(call, mode, 0, token).configure_await(false);
        if (result == -EEXIST && left != 1) continue;
        call.check(result);
        temporary_directory made(std::move(path));
        co_return made;
    }
}

task<> temporary_directory::dispose() {
    std::string path = std::exchange(path_, std::string());
    if (path.empty()) co_return;
    static_cast<void>(co_await remove_all(std::move(path)).configure_await(false));
}

void temporary_directory::abandon() noexcept {
    if (!path_.empty()) start_removal(std::exchange(path_, std::string()), true);
}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
    if (this == &other) return *this;
    abandon();
    path_ = std::exchange(other.path_, std::string());
    return *this;
}

temporary_directory::~temporary_directory() { abandon(); }

// ---- without a name

namespace {

/// @returns an empty one where the file system has no such files
task<file> open_nameless(std::string directory, cancellation_token token) {
    try {
        co_return co_await file::open(std::move(directory), open_mode::read | open_mode::write | open_mode::unnamed,
            permissions::owner_only, std::move(token))
            .configure_await(false);
    } catch (const io_error& error) {
        // EISDIR: a kernel or file system that does not know the flag; an older one says ENOENT.
        const int code = error.code().value();
        if (code != EOPNOTSUPP && code != EISDIR) throw;
    }
    file none;
    co_return none;
}

}  // namespace

task<file> open_unnamed(std::string directory, cancellation_token token) {
    if (directory.empty()) directory = temporary_directory_path();
    file opened = co_await open_nameless(directory, token).configure_await(false);
    if (opened.is_open()) co_return opened;
    std::string path;
    std::string stem = stem_in(std::move(directory), "weft-");
    opened =
        co_await create_unique(std::move(stem), permissions::owner_only, path, std::move(token)).configure_await(false);
    static_cast<void>(co_await remove(std::move(path)).configure_await(false));
    co_return opened;
}

}  // namespace weft::inline WEFT_ABI::fs
