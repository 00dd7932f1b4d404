#pragma once
// <weft/testing_io/simulated_files.hpp>: the files of one simulated node, seen from the test.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing {

struct node_state;

/// A file system in memory. Programs use it through weft::fs; this is how a test prepares it and looks at what has become of it.
///
/// What a program wrote is in the file at once, and on the disk after a sync() of that file: a crash of the node takes the file
/// back to what was synced. A file that was never synced is gone then. Names that a program changes (by renaming, removing, linking)
/// are changed on the disk once their directory is synced; until then a crash brings the old ones back. Directories themselves are
/// on the disk at once. `/`, `/tmp` and `/data` are there from the start; a path without a leading slash is below `/`. Nothing can
/// be watched here: fs::watcher is refused (ENOSYS).
///
/// A handle: copies are the same, and none outlives its simulated_io.
class simulated_files {
public:
    /// Makes a file or replaces what was in it, on the disk too.
    void put(std::string_view path, std::string_view contents) const;
    /// What a program would read; empty when there is no such file.
    [[nodiscard]] std::optional<std::string> contents(std::string_view path) const;
    /// What a crash now would leave; empty when that is no file.
    [[nodiscard]] std::optional<std::string> synced_contents(std::string_view path) const;
    [[nodiscard]] bool exists(std::string_view path) const;
    /// Takes a name away, on the disk too; open files stay usable. @returns whether it was there
    bool remove(std::string_view path) const;
    /// Gives a file another name, replacing what had it, on the disk too. @returns false when there is no such file
    bool rename(std::string_view from, std::string_view to) const;
    void make_directory(std::string_view path) const;
    /// The names of all files, sorted.
    [[nodiscard]] std::vector<std::string> list() const;
    /// Most bytes in all files together; further writes are cut short, and then fail with ENOSPC.
    void capacity(std::uint64_t bytes) const noexcept;

private:
    friend class simulated_node;
    explicit simulated_files(node_state& node) noexcept : node_(&node) {}
    node_state* node_;
};

}  // namespace weft::inline WEFT_ABI::testing
