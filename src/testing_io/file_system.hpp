#pragma once
// src/testing_io/file_system.hpp: files in memory, each with what programs see and what the disk has.
//
// Contents and names reach the disk apart from each other, as on a real one. A new file's name goes with its own sync, if the disk
// has no name of it yet; every other change of names waits for a sync of the directory. Directories themselves are on the disk at once.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing {

/// One file or symbolic link. `contents` is `synced` with every change of `changes` made to it; of a link both are its text.
struct file_node {
    struct change {
        std::uint64_t offset = 0;
        std::string bytes;     // written at the offset
        bool resizes = false;  // instead: cut or filled up to the offset
    };

    std::string contents;
    std::string synced;
    bool on_disk = false;  // it has been synced, or a name of it has
    bool is_link = false;
    std::uint32_t mode = 0644;
    std::uint64_t number = 0;
    std::int64_t modified = 0;  // nanoseconds of the world's clock
    std::vector<change> changes;

    void write(std::uint64_t offset, std::string_view bytes);
    void resize(std::uint64_t size);
    void sync();
    static void apply(const change& what, std::string& to);
};

using file_pointer = std::shared_ptr<file_node>;

class file_system {
public:
    using pick = std::function<std::size_t(const char*, std::size_t)>;

    /// What a path leads to.
    struct found {
        std::string path;   ///< without links, as they are followed
        file_pointer file;  ///< null: a directory, or nothing
        bool is_directory = false;
        int error = 0;  ///< why it leads nowhere; 0 also for a last part that is not there
        [[nodiscard]] bool is_there() const noexcept { return file != nullptr || is_directory; }
    };

    /// "/a//b/./c" and "a/b/c" as "/a/b/c".
    [[nodiscard]] static std::string normal(std::string_view path);
    [[nodiscard]] static std::string parent_of(const std::string& path);

    [[nodiscard]] found look_up(std::string_view path, bool follow_last) const;

    // The system calls of these names. @returns 0 or a negative errno

    /// @param flags  O_…. @param result  the file (null: a directory), and where it was found
    [[nodiscard]] int open(std::string_view path, int flags, std::uint32_t mode, found& result);
    [[nodiscard]] int rename(std::string_view from, std::string_view to, unsigned flags);
    [[nodiscard]] int unlink(std::string_view path, bool directory);
    [[nodiscard]] int make_directory(std::string_view path, std::uint32_t mode);
    [[nodiscard]] int link(std::string_view existing, std::string_view path);
    [[nodiscard]] int symlink(std::string_view target, std::string_view path);

    /// fsync(2) of a file, with its name if the disk has none yet, and of a directory.
    void sync(const file_pointer& file);
    void sync_directory(const std::string& path);

    /// How many of `wanted` more bytes there is room for.
    [[nodiscard]] std::uint64_t room(const file_node& in, std::uint64_t end) const noexcept;
    [[nodiscard]] std::uint64_t links_of(const file_node& file) const noexcept;
    [[nodiscard]] std::uint32_t mode_of_directory(const std::string& path) const;
    /// The names in a directory, sorted. @returns false when it is gone
    [[nodiscard]] bool list(const std::string& directory, std::vector<std::string>& names) const;

    // For the test's handles: on the disk at once.
    [[nodiscard]] file_pointer find(std::string_view path) const;
    [[nodiscard]] file_pointer find_on_disk(std::string_view path) const;
    void put(std::string_view path, std::string_view contents);
    bool remove(std::string_view path);
    bool rename_now(std::string_view from, std::string_view to);
    void make_directories(std::string_view path);
    [[nodiscard]] std::vector<std::string> all() const;
    void capacity(std::uint64_t bytes) noexcept { capacity_ = bytes; }

    /// Back to what was synced. @param torn  decides how much of the rest has reached the disk all the same; null: nothing
    void crash(const pick& torn);

private:
    using name_map = std::map<std::string, file_pointer, std::less<>>;
    /// A change of names that waits for its directory. Empty names: none.
    struct name_change {
        std::string removed;
        std::string added;
        file_pointer file;
    };

    [[nodiscard]] bool is_directory(const std::string& path) const { return directories_.contains(path); }
    [[nodiscard]] bool is_empty(const std::string& directory) const;
    [[nodiscard]] file_pointer make_file(std::uint32_t mode);
    [[nodiscard]] int check_new_name(const found& at) const;
    [[nodiscard]] int rename_directory(const std::string& from, const found& to);
    static void apply(const name_change& what, name_map& names);
    [[nodiscard]] static file_pointer survivor(const file_pointer& file, const pick& torn);

    name_map files_;                    // what programs see
    name_map kept_;                     // what the disk has,
    std::vector<name_change> waiting_;  // and what it would have with these, in this order
    std::map<std::string, std::uint32_t, std::less<>> directories_{{"/", 0755}, {"/data", 0755}, {"/tmp", 01777}};
    std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t last_number_ = 1000;
};

}  // namespace weft::inline WEFT_ABI::testing
