// src/testing_io/file_system.cpp: the rules of a disk: seen at once, kept once synced.
// SPDX-License-Identifier: MIT

#include "testing_io/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>

namespace weft::inline WEFT_ABI::testing {

namespace {

// What a disk writes whole or not at all.
constexpr std::size_t sector = 512;
// As many links as Linux follows, and its usual umask.
constexpr int most_links = 40;
constexpr std::uint32_t umask_bits = 022;

}  // namespace

// ---- one file

void file_node::apply(const change& what, std::string& to) {
    if (what.resizes) {
        to.resize(what.offset);
        return;
    }
    if (to.size() < what.offset + what.bytes.size()) to.resize(what.offset + what.bytes.size());
    std::ranges::copy(what.bytes, to.begin() + static_cast<std::ptrdiff_t>(what.offset));
}

void file_node::write(std::uint64_t offset, std::string_view bytes) {
    changes.push_back(change{offset, std::string(bytes), false});
    apply(changes.back(), contents);
}

void file_node::resize(std::uint64_t size) {
    changes.push_back(change{size, std::string(), true});
    apply(changes.back(), contents);
}

void file_node::sync() {
    synced = contents;
    on_disk = true;
    changes.clear();
}

// ---- paths

std::string file_system::normal(std::string_view path) {
    std::string result;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, slash);
        if (!part.empty() && part != ".") result.append("/").append(part);
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return result.empty() ? "/" : result;
}

std::string file_system::parent_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

file_system::found file_system::look_up(std::string_view path, bool follow_last) const {
    found result;
    if (path.empty()) {
        result.error = -ENOENT;
        return result;
    }
    std::string rest = normal(path);
    std::string here = "/";
    for (int followed = 0; rest != "/";) {
        const std::size_t slash = std::min(rest.find('/', 1), rest.size());
        const std::string part = rest.substr(1, slash - 1);
        rest = slash == rest.size() ? "/" : rest.substr(slash);
        if (part == "..") {
            here = parent_of(here);
            continue;
        }
        std::string next = here == "/" ? std::string() : here;
        next.append("/").append(part);
        const auto file = files_.find(next);
        const bool last = rest == "/";
        if (file == files_.end()) {
            here = next;
            if (is_directory(next)) continue;
            if (!last) result.error = -ENOENT;
            result.path = next;
            return result;
        }
        if (file->second->is_link && (!last || follow_last)) {
            if (++followed > most_links) {
                result.error = -ELOOP;
                return result;
            }
            const std::string& text = file->second->contents;
            if (text.starts_with('/')) here = "/";
            std::string onward = text;
            if (!last) onward.append(rest);
            rest = normal(onward);
            continue;
        }
        result.path = next;
        if (last) result.file = file->second;
        else result.error = -ENOTDIR;
        return result;
    }
    result.path = here;
    result.is_directory = true;
    return result;
}

file_pointer file_system::make_file(std::uint32_t mode) {
    auto made = std::make_shared<file_node>();
    made->mode = mode & 07777;
    made->number = ++last_number_;
    return made;
}

/// Whether a name can be made where the path leads.
int file_system::check_new_name(const found& at) const {
    if (at.error != 0) return at.error;
    return at.is_there() ? -EEXIST : 0;
}

// ---- system calls

int file_system::open(std::string_view path, int flags, std::uint32_t mode, found& result) {
    const bool exclusive = (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0;
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    result = look_up(path, (flags & O_NOFOLLOW) == 0 && !exclusive);
    if (result.error != 0) return result.error;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        if (!result.is_there()) return -ENOENT;
        if (!result.is_directory) return -ENOTDIR;
        if (!writes) return -EINVAL;
        result.file = make_file(mode & ~umask_bits);
        return 0;
    }
    if (exclusive && result.is_there()) return -EEXIST;
    if (result.is_directory) return writes || (flags & (O_CREAT | O_TRUNC)) != 0 ? -EISDIR : 0;
    if (result.file != nullptr) {
        if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
        if (result.file->is_link) return -ELOOP;
        if ((flags & O_TRUNC) != 0 && !result.file->contents.empty()) result.file->resize(0);
        return 0;
    }
    if ((flags & O_CREAT) == 0) return -ENOENT;
    result.file = make_file(mode & ~umask_bits);
    files_.emplace(result.path, result.file);
    return 0;
}

int file_system::rename(std::string_view from, std::string_view to, unsigned flags) {
    const found source = look_up(from, false);
    const found target = look_up(to, false);
    if (source.error != 0) return source.error;
    if (!source.is_there()) return -ENOENT;
    if (target.error != 0) return target.error;
    if ((flags & RENAME_NOREPLACE) != 0 && target.is_there()) return -EEXIST;
    if ((flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) != 0) return -EINVAL;
    if (source.is_directory) return rename_directory(source.path, target);
    if (target.is_directory) return -EISDIR;
    // Two names of one file: nothing happens.
    if (source.file == target.file) return 0;
    files_.erase(source.path);
    files_[target.path] = source.file;
    waiting_.push_back(name_change{source.path, target.path, source.file});
    return 0;
}

// Directories are on the disk at once, and what is in them moves along.
int file_system::rename_directory(const std::string& from, const found& to) {
    if (from == to.path) return 0;
    if (to.path.starts_with(from + "/")) return -EINVAL;
    if (to.file != nullptr) return -ENOTDIR;
    if (to.is_directory && !is_empty(to.path)) return -ENOTEMPTY;
    const auto moved = [&](const std::string& path) -> std::string {
        if (path == from) return to.path;
        return path.starts_with(from + "/") ? to.path + path.substr(from.size()) : path;
    };
    const auto move_all = [&](auto& names) {
        std::remove_reference_t<decltype(names)> next;
        for (auto& [path, what] : names) next.insert_or_assign(moved(path), std::move(what));
        names = std::move(next);
    };
    directories_.erase(to.path);
    move_all(files_);
    move_all(kept_);
    move_all(directories_);
    for (name_change& each : waiting_) {
        each.removed = moved(each.removed);
        each.added = moved(each.added);
    }
    return 0;
}

int file_system::unlink(std::string_view path, bool directory) {
    const found at = look_up(path, false);
    if (at.error != 0) return at.error;
    if (!at.is_there()) return -ENOENT;
    if (!directory) {
        if (at.is_directory) return -EISDIR;
        files_.erase(at.path);
        waiting_.push_back(name_change{at.path, std::string(), nullptr});
        return 0;
    }
    if (!at.is_directory) return -ENOTDIR;
    if (at.path == "/") return -EBUSY;
    if (!is_empty(at.path)) return -ENOTEMPTY;
    directories_.erase(at.path);
    // Names that the disk still has in it go with it.
    std::erase_if(kept_, [&](const auto& each) { return parent_of(each.first) == at.path; });
    std::erase_if(waiting_, [&](const name_change& each) { return parent_of(each.removed) == at.path; });
    return 0;
}

int file_system::make_directory(std::string_view path, std::uint32_t mode) {
    const found at = look_up(path, false);
    if (const int failed = check_new_name(at); failed != 0) return failed;
    directories_.emplace(at.path, mode & 07777 & ~umask_bits);
    return 0;
}

int file_system::link(std::string_view existing, std::string_view path) {
    const found source = look_up(existing, false);
    if (source.error != 0) return source.error;
    if (!source.is_there()) return -ENOENT;
    const found at = look_up(path, false);
    if (const int failed = check_new_name(at); failed != 0) return failed;
    if (source.is_directory) return -EPERM;
    files_.emplace(at.path, source.file);
    waiting_.push_back(name_change{std::string(), at.path, source.file});
    return 0;
}

int file_system::symlink(std::string_view target, std::string_view path) {
    if (target.empty()) return -ENOENT;
    const found at = look_up(path, false);
    if (const int failed = check_new_name(at); failed != 0) return failed;
    file_pointer made = make_file(0777);
    made->is_link = true;
    made->contents = target;
    // Its text comes to the disk with its name.
    made->synced = made->contents;
    files_.emplace(at.path, made);
    waiting_.push_back(name_change{std::string(), at.path, made});
    return 0;
}

// ---- the disk

void file_system::apply(const name_change& what, name_map& names) {
    if (!what.removed.empty()) names.erase(what.removed);
    if (!what.added.empty()) names[what.added] = what.file;
}

void file_system::sync(const file_pointer& file) {
    file->sync();
    const auto is_it = [&](const auto& each) { return each.second == file; };
    if (std::ranges::any_of(kept_, is_it)) return;
    const auto name = std::ranges::find_if(files_, is_it);
    if (name != files_.end()) kept_[name->first] = file;
}

void file_system::sync_directory(const std::string& path) {
    const auto is_here = [&](const std::string& name) { return !name.empty() && parent_of(name) == path; };
    for (name_change& each : waiting_) {
        if (is_here(each.removed)) kept_.erase(std::exchange(each.removed, std::string()));
        if (is_here(each.added)) kept_[std::exchange(each.added, std::string())] = each.file;
    }
    std::erase_if(waiting_, [](const name_change& each) { return each.removed.empty() && each.added.empty(); });
    for (const auto& [name, file] : files_) {
        if (is_here(name)) kept_[name] = file;
    }
}

/// What a crash leaves of a file whose name the disk has. A new object: handles of before the crash are worth nothing.
file_pointer file_system::survivor(const file_pointer& file, const pick& torn) {
    std::string left = file->synced;
    if (torn && !file->changes.empty()) {
        const std::size_t whole = torn("disk.writes_kept", file->changes.size() + 1);
        for (std::size_t i = 0; i < whole; ++i) file_node::apply(file->changes[i], left);
        if (whole < file->changes.size() && !file->changes[whole].resizes) {
            file_node::change part = file->changes[whole];
            part.bytes.resize(
                std::min(part.bytes.size(), sector * torn("disk.sectors_kept", part.bytes.size() / sector + 1)));
            if (!part.bytes.empty()) file_node::apply(part, left);
        }
    }
    auto kept = std::make_shared<file_node>(*file);
    kept->contents = std::move(left);
    kept->sync();
    return kept;
}

void file_system::crash(const pick& torn) {
    name_map after = kept_;
    if (torn && !waiting_.empty()) {
        const std::size_t whole = torn("disk.names_kept", waiting_.size() + 1);
        for (std::size_t i = 0; i < whole; ++i) apply(waiting_[i], after);
    }
    const auto keeps = [&](const file_pointer& file) {
        return std::ranges::any_of(after, [&](const auto& each) { return each.second == file; });
    };
    // A new file that was never synced may have been written down all the same.
    for (const auto& [name, file] : files_) {
        if (!torn || file->on_disk || file->changes.empty() || after.contains(name) || keeps(file)) continue;
        if (torn("disk.name_kept", 2) != 0) after[name] = file;
    }
    std::map<const file_node*, file_pointer> survivors;
    for (auto& [name, file] : after) {
        const file_pointer before = file;
        file_pointer& kept = survivors[before.get()];
        if (kept == nullptr) kept = survivor(before, torn);
        file = kept;
    }
    files_ = after;
    kept_ = std::move(after);
    waiting_.clear();
}

// ---- questions

std::uint64_t file_system::room(const file_node& in, std::uint64_t end) const noexcept {
    std::uint64_t used = 0;
    for (const auto& [name, file] : files_) used += file.get() == &in ? 0 : file->contents.size();
    const std::uint64_t left = capacity_ > used ? capacity_ - used : 0;
    return std::min(end, std::max<std::uint64_t>(left, in.contents.size()));
}

std::uint64_t file_system::links_of(const file_node& file) const noexcept {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(files_, [&](const auto& each) { return each.second.get() == &file; }));
}

std::uint32_t file_system::mode_of_directory(const std::string& path) const {
    const auto at = directories_.find(path);
    return at == directories_.end() ? 0 : at->second;
}

bool file_system::list(const std::string& directory, std::vector<std::string>& names) const {
    if (!is_directory(directory)) return false;
    const auto add = [&](const std::string& path) {
        if (path != "/" && parent_of(path) == directory) names.push_back(path.substr(path.rfind('/') + 1));
    };
    for (const auto& [path, file] : files_) add(path);
    for (const auto& [path, mode] : directories_) add(path);
    std::ranges::sort(names);
    return true;
}

bool file_system::is_empty(const std::string& directory) const {
    std::vector<std::string> names;
    return list(directory, names) && names.empty();
}

// ---- for the test

file_pointer file_system::find(std::string_view path) const { return look_up(path, true).file; }

file_pointer file_system::find_on_disk(std::string_view path) const {
    const auto known = kept_.find(normal(path));
    return known == kept_.end() ? nullptr : known->second;
}

void file_system::put(std::string_view path, std::string_view contents) {
    file_pointer& file = files_[normal(path)];
    if (file == nullptr) file = make_file(0644);
    file->contents = contents;
    file->sync();
    kept_[normal(path)] = file;
}

bool file_system::remove(std::string_view path) {
    const std::string name = normal(path);
    kept_.erase(name);
    for (name_change& each : waiting_) {
        if (each.added == name) each.added.clear();
    }
    return files_.erase(name) == 1;
}

bool file_system::rename_now(std::string_view from, std::string_view to) {
    const auto at = files_.find(normal(from));
    if (at == files_.end()) return false;
    const file_pointer file = at->second;
    static_cast<void>(remove(from));
    static_cast<void>(remove(to));
    files_[normal(to)] = file;
    if (file->on_disk) kept_[normal(to)] = file;
    return true;
}

void file_system::make_directories(std::string_view path) {
    std::string name = normal(path);
    while (directories_.emplace(name, 0755).second && name != "/") name = parent_of(name);
}

std::vector<std::string> file_system::all() const {
    std::vector<std::string> names;
    names.reserve(files_.size());
    for (const auto& [name, file] : files_) names.push_back(name);
    return names;
}

}  // namespace weft::inline WEFT_ABI::testing
