#pragma once
// src/testing_io/file_system.hpp: files in memory, each with what programs see and what the disk has.
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

/// One file. `contents` is `synced` with every change of `changes` made to it.
struct file_node {
    struct change {
        std::uint64_t offset = 0;
        std::string bytes;     // written at the offset
        bool resizes = false;  // instead: cut or filled up to the offset
    };

    std::string contents;
    std::string synced;
    bool on_disk = false;  // its name has been synced
    std::vector<change> changes;

    void write(std::uint64_t offset, std::string_view bytes);
    void resize(std::uint64_t size);
    void sync();
    static void apply(const change& what, std::string& to);
};

class file_system {
public:
    using pick = std::function<std::size_t(const char*, std::size_t)>;

    /// "/a//b/./c" and "a/b/c" as "/a/b/c".
    [[nodiscard]] static std::string normal(std::string_view path);

    /// open(2). @param flags  O_…. @returns 0 and the file (null: a directory), or a negative errno
    [[nodiscard]] int open(std::string_view path, int flags, std::shared_ptr<file_node>& found);
    /// How many of `wanted` more bytes there is room for.
    [[nodiscard]] std::uint64_t room(const file_node& in, std::uint64_t end) const noexcept;

    [[nodiscard]] std::shared_ptr<file_node> find(std::string_view path) const;
    void put(std::string_view path, std::string_view contents);
    bool remove(std::string_view path);
    bool rename(std::string_view from, std::string_view to);
    void make_directory(std::string_view path);
    [[nodiscard]] std::vector<std::string> list() const;
    void capacity(std::uint64_t bytes) noexcept { capacity_ = bytes; }

    /// Back to what was synced. @param torn  decides how much of the rest has reached the disk all the same; null: nothing
    void crash(const pick& torn);

private:
    [[nodiscard]] bool is_directory(const std::string& path) const { return directories_.contains(path); }

    std::map<std::string, std::shared_ptr<file_node>, std::less<>> files_;
    std::set<std::string, std::less<>> directories_{"/", "/tmp", "/data"};
    std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace weft::inline WEFT_ABI::testing
