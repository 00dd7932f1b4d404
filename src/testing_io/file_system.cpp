// src/testing_io/file_system.cpp: the rules of a disk: seen at once, kept once synced.
// SPDX-License-Identifier: MIT

#include "testing_io/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace weft::inline WEFT_ABI::testing {

namespace {
// What a disk writes whole or not at all.
constexpr std::size_t sector = 512;
}  // namespace

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

int file_system::open(std::string_view path, int flags, std::shared_ptr<file_node>& found) {
    if (path.empty()) return -ENOENT;
    const std::string name = normal(path);
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (is_directory(name)) {
        if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST;
        return writes || (flags & (O_CREAT | O_TRUNC)) != 0 ? -EISDIR : 0;
    }
    std::string parent = name.substr(0, name.rfind('/'));
    if (parent.empty()) parent = "/";
    if (!is_directory(parent)) return files_.contains(parent) ? -ENOTDIR : -ENOENT;
    found = find(name);
    if (found == nullptr) {
        if ((flags & O_CREAT) == 0) return -ENOENT;
        found = std::make_shared<file_node>();
        files_.emplace(name, found);
    } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        found.reset();
        return -EEXIST;
    }
    if ((flags & O_TRUNC) != 0 && !found->contents.empty()) found->resize(0);
    return 0;
}

std::uint64_t file_system::room(const file_node& in, std::uint64_t end) const noexcept {
    std::uint64_t used = 0;
    for (const auto& [name, file] : files_) used += file.get() == &in ? 0 : file->contents.size();
    const std::uint64_t left = capacity_ > used ? capacity_ - used : 0;
    return std::min(end, std::max<std::uint64_t>(left, in.contents.size()));
}

std::shared_ptr<file_node> file_system::find(std::string_view path) const {
    const auto found = files_.find(normal(path));
    return found == files_.end() ? nullptr : found->second;
}

void file_system::put(std::string_view path, std::string_view contents) {
    std::shared_ptr<file_node>& file = files_[normal(path)];
    if (file == nullptr) file = std::make_shared<file_node>();
    file->contents = contents;
    file->sync();
}

bool file_system::remove(std::string_view path) { return files_.erase(normal(path)) == 1; }

bool file_system::rename(std::string_view from, std::string_view to) {
    const auto found = files_.find(normal(from));
    if (found == files_.end()) return false;
    std::shared_ptr<file_node> file = found->second;
    files_.erase(found);
    files_[normal(to)] = std::move(file);
    return true;
}

void file_system::make_directory(std::string_view path) {
    std::string name = normal(path);
    while (directories_.insert(name).second && name != "/") name.resize(std::max<std::size_t>(name.rfind('/'), 1));
}

std::vector<std::string> file_system::list() const {
    std::vector<std::string> names;
    names.reserve(files_.size());
    for (const auto& [name, file] : files_) names.push_back(name);
    return names;
}

void file_system::crash(const pick& torn) {
    for (auto at = files_.begin(); at != files_.end();) {
        file_node& file = *at->second;
        std::string left = file.synced;
        // Without a sync the name itself may have been lost.
        bool stays = file.on_disk;
        if (torn && !file.changes.empty() && (stays || torn("disk.name_kept", 2) != 0)) {
            stays = true;
            const std::size_t whole = torn("disk.writes_kept", file.changes.size() + 1);
            for (std::size_t i = 0; i < whole; ++i) file_node::apply(file.changes[i], left);
            if (whole < file.changes.size() && !file.changes[whole].resizes) {
                file_node::change part = file.changes[whole];
                part.bytes.resize(
                    std::min(part.bytes.size(), sector * torn("disk.sectors_kept", part.bytes.size() / sector + 1)));
                if (!part.bytes.empty()) file_node::apply(part, left);
            }
        }
        if (!stays) {
            at = files_.erase(at);
            continue;
        }
        // A new object: handles of before the crash are worth nothing.
        auto kept = std::make_shared<file_node>();
        kept->contents = std::move(left);
        kept->sync();
        at->second = std::move(kept);
        ++at;
    }
}

}  // namespace weft::inline WEFT_ABI::testing
