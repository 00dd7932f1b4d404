// src/io/fs/directory.cpp: calls on single names, and what is made of several of them.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/directory.hpp"

#include <cerrno>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>

#include "io/fs/directory_reader.hpp"
#include "io/fs/path_call.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::fs {

// ---- one call each

task<> create_directory(std::string path, permissions mode, cancellation_token token) {
    path_call call("create the directory", std::move(path));
    co_await must_carry_out<io_kind::make_directory>(call, static_cast<std::size_t>(mode), 0, std::move(token))
        .configure_await(false);
}

task<bool> remove(std::string path, cancellation_token token) {
    path_call call("remove", std::move(path));
    const int result = co_await carry_out<io_kind::unlink>(call, 0, 0, std::move(token)).configure_await(false);
    if (result == -ENOENT) co_return false;
    call.check(result);
    co_return true;
}

task<bool> remove_directory(std::string path, cancellation_token token) {
    path_call call("remove the directory", std::move(path));
    const int result = co_await carry_out<io_kind::unlink>(call, 0, AT_REMOVEDIR, std::move(token)).configure_await(false);
    if (result == -ENOENT) co_return false;
    call.check(result);
    co_return true;
}

task<> rename(std::string from, std::string to, cancellation_token token) {
    path_call call("rename", std::move(from), "to", std::move(to));
    co_await must_carry_out<io_kind::rename>(call, 0, 0, std::move(token)).configure_await(false);
}

task<> rename_no_replace(std::string from, std::string to, cancellation_token token) {
    path_call call("rename", std::move(from), "to", std::move(to));
    co_await must_carry_out<io_kind::rename>(call, 0, RENAME_NOREPLACE, std::move(token)).configure_await(false);
}

task<> create_hard_link(std::string existing, std::string path, cancellation_token token) {
    path_call call("link", std::move(existing), "as", std::move(path));
    co_await must_carry_out<io_kind::link>(call, 0, 0, std::move(token)).configure_await(false);
}

task<> create_symbolic_link(std::string target, std::string path, cancellation_token token) {
    path_call call("make the link", std::move(path), "to", std::move(target));
    co_await must_carry_out<io_kind::symlink>(call, 0, 0, std::move(token)).configure_await(false);
}

task<std::string> read_link(std::string path, cancellation_token token) {
    path_call call("read the link", std::move(path));
    // In the call's state, not in this frame: see path_state.
    std::string& text = call.state().text;
    text.resize(PATH_MAX);
    call.state().asked.answer = text.data();
    const int result =
        co_await carry_out<io_kind::read_link>(call, text.size(), 0, std::move(token)).configure_await(false);
    call.check(result);
    co_return text.substr(0, static_cast<std::size_t>(result));
}

// ---- several

namespace {

/// The directory a name is in: "/a" of "/a/b/", "." of "b".
std::string parent_of(const std::string& path) {
    std::size_t end = path.size();
    while (end > 1 && path[end - 1] == '/') --end;
    const std::size_t slash = path.rfind('/', end - 1);
    if (slash == std::string::npos) return ".";
    std::size_t last = slash;
    while (last > 0 && path[last - 1] == '/') --last;
    return last == 0 ? "/" : path.substr(0, last);
}

/// @returns 0 when it is there now, -ENOENT when the one above is missing. @throws io_error
task<int> try_create(std::string path, cancellation_token token) {
    path_call call("create the directory", path);
    const auto mode = static_cast<std::size_t>(permissions::everyone_enters);
    const int result = co_await carry_out<io_kind::make_directory>(call, mode, 0, token).configure_await(false);
    if (result == -EEXIST) {
        const std::optional<file_info> known =
            co_await try_stat(std::move(path), links::follow, std::move(token)).configure_await(false);
        if (known.has_value() && known->is_directory()) co_return 0;
    }
    if (result != -ENOENT) call.check(result);
    co_return result;
}

}  // namespace

task<> create_directories(std::string path, cancellation_token token) {
    // Up until one can be made, then down again.
    std::vector<std::string> missing;
    missing.push_back(std::move(path));
    std::size_t ups = 0;
    while (!missing.empty()) {
        const std::string& lowest = missing.back();
        const int result = co_await try_create(lowest, token).configure_await(false);
        if (result == 0) {
            missing.pop_back();
            continue;
        }
        std::string above = parent_of(lowest);
        // The root is always there; somebody who removes what we make is given up on.
        if (above == lowest || ++ups > PATH_MAX) {
            const path_call call("create the directory", lowest);
            call.check(result);
        }
        missing.push_back(std::move(above));
    }
}

namespace {

/// Removes what is in a directory but for directories, and names those.
task<std::uint64_t> empty_directory(std::string path, std::vector<std::string>& subdirectories, cancellation_token token) {
    // All names first: what a directory gives while it changes is not said anywhere.
    std::vector<std::string> others;
    directory_reader reader;
    co_await reader.open(path, false, token).configure_await(false);
    for (;;) {
        const bool more = co_await reader.fill(token).configure_await(false);
        if (!more) break;
        directory_reader::entry entry;
        while (reader.next(entry)) {
            std::string full = path + "/";
            full.append(entry.name);
            if (entry.kind == file_kind::directory) subdirectories.push_back(std::move(full));
            else others.push_back(std::move(full));
        }
    }
    co_await reader.close().configure_await(false);
    std::uint64_t removed = 0;
    for (std::string& each : others) {
        path_call call("remove", each);
        const int result = co_await carry_out<io_kind::unlink>(call, 0, 0, token).configure_await(false);
        if (result == -EISDIR) subdirectories.push_back(std::move(each));  // a file system that does not tell kinds
        else if (result == 0) ++removed;
        else if (result != -ENOENT) call.check(result);
    }
    co_return removed;
}

}  // namespace

task<std::uint64_t> remove_all(std::string path, cancellation_token token) {
    // A slash at the end makes the kernel follow a link there, whatever the flags say.
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const std::optional<file_info> known = co_await try_stat(path, links::stay, token).configure_await(false);
    if (!known.has_value()) co_return 0;
    if (!known->is_directory()) {
        const bool removed = co_await remove(std::move(path), std::move(token)).configure_await(false);
        co_return removed ? 1 : 0;
    }
    // Directories are emptied from above and removed from below.
    std::vector<std::string> found;
    found.push_back(std::move(path));
    std::uint64_t removed = 0;
    for (std::size_t at = 0; at < found.size(); ++at) {
        std::vector<std::string> below;
        const std::uint64_t count = co_await empty_directory(found[at], below, token).configure_await(false);
        removed += count;
        for (std::string& each : below) found.push_back(std::move(each));
    }
    while (!found.empty()) {
        const bool gone = co_await remove_directory(std::move(found.back()), token).configure_await(false);
        if (gone) ++removed;
        found.pop_back();
    }
    co_return removed;
}

// ---- walking

namespace {

/// Which directories a directory is in: only kept where links could lead back.
struct ancestry {
    std::uint64_t device;
    std::uint64_t inode;
    std::shared_ptr<const ancestry> above;

    ancestry(const file_info& of, std::shared_ptr<const ancestry> in) noexcept
        : device(of.device), inode(of.inode), above(std::move(in)) {}
    [[nodiscard]] bool contains(const file_info& what) const noexcept {
        for (const ancestry* each = this; each != nullptr; each = each->above.get()) {
            if (each->device == what.device && each->inode == what.inode) return true;
        }
        return false;
    }
};

struct place_to_walk {
    std::string path;
    std::uint32_t depth;
    std::shared_ptr<const ancestry> in;

    place_to_walk(std::string at, std::uint32_t level, std::shared_ptr<const ancestry> below) noexcept
        : path(std::move(at)), depth(level), in(std::move(below)) {}
};

/// @returns whether the error is one that the walk goes on after
bool may_skip(const io_error& error, const enumeration_options& options, const place_to_walk& at) noexcept {
    if (at.depth == 0) return false;
    // Gone, or another thing by now: nothing to list.
    if (error.code() == std::errc::no_such_file_or_directory || error.code() == std::errc::not_a_directory) return true;
    return options.skip_errors;
}

/// @returns whether there is something to list
task<bool> open_place(
    directory_reader& reader, const place_to_walk& at, const enumeration_options& options, cancellation_token token) {
    try {
        const bool follow = at.depth == 0 || options.follow_links;
        co_await reader.open(at.path, follow, std::move(token)).configure_await(false);
        co_return true;
    } catch (const io_error& error) {
        if (!may_skip(error, options, at)) throw;
    }
    co_return false;
}

task<bool> fill_place(
    directory_reader& reader, const place_to_walk& at, const enumeration_options& options, cancellation_token token) {
    try {
        co_return co_await reader.fill(std::move(token)).configure_await(false);
    } catch (const io_error& error) {
        if (!may_skip(error, options, at)) throw;
    }
    co_return false;
}

/// What a link leads to, or a name of which the directory did not tell. Unknown, too, when that cannot be found out.
task<file_kind> kind_behind(const directory_entry& entry, cancellation_token token) {
    path_call call("ask for the state of", entry.path);
    const std::uint32_t flags = entry.kind == file_kind::link ? 0 : AT_SYMLINK_NOFOLLOW;
    const int result = co_await carry_out<io_kind::stat_path>(call, 0, flags, std::move(token)).configure_await(false);
    co_return result < 0 ? file_kind::unknown : info_from(call.state().answer).kind;
}

}  // namespace

async_stream<directory_entry> enumerate(std::string directory, enumeration_options options, cancellation_token token) {
    const cancellation_token of_consumer = co_await this_stream::token();
    const either_token both(std::move(token), of_consumer);
    std::vector<place_to_walk> places;
    places.emplace_back(std::move(directory), 0U, nullptr);
    while (!places.empty()) {
        place_to_walk here = std::move(places.back());
        places.pop_back();
        if (options.recurse && options.follow_links) {
            const std::optional<file_info> self =
                co_await try_stat(here.path, links::follow, both.get()).configure_await(false);
            if (self.has_value() && here.in != nullptr && here.in->contains(*self)) continue;
            if (self.has_value()) here.in = std::make_shared<const ancestry>(*self, std::move(here.in));
        }
        directory_reader reader;
        const bool opened = co_await open_place(reader, here, options, both.get()).configure_await(false);
        if (!opened) continue;
        const std::string prefix = here.path.ends_with('/') ? here.path : here.path + "/";
        for (;;) {
            const bool more = co_await fill_place(reader, here, options, both.get()).configure_await(false);
            if (!more) break;
            directory_reader::entry found;
            while (reader.next(found)) {
                directory_entry entry;
                entry.path.append(prefix).append(found.name);
                entry.kind = found.kind;
                entry.depth = here.depth;
                bool enter = entry.kind == file_kind::directory;
                const bool looks = entry.kind == file_kind::unknown ||
                    (options.recurse && options.follow_links && entry.kind == file_kind::link);
                if (looks) {
                    const file_kind known = co_await kind_behind(entry, both.get()).configure_await(false);
                    enter = known == file_kind::directory;
                    if (entry.kind == file_kind::unknown) entry.kind = known;
                }
                if (enter && options.recurse && here.depth < options.max_depth)
                    places.emplace_back(entry.path, here.depth + 1, here.in);
                co_yield std::move(entry);
            }
        }
        co_await reader.close().configure_await(false);
    }
}

}  // namespace weft::inline WEFT_ABI::fs
