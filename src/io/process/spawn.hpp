#pragma once
// src/io/process/spawn.hpp: posix_spawn with what a child shall see.
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

struct spawn_request {
    const std::string& program;
    const std::vector<std::string>& arguments;
    const std::vector<std::string>& environment;   ///< NAME=value
    const std::string& directory;                  ///< empty: ours
    std::vector<std::pair<int, int>> descriptors;  ///< ours, theirs; theirs are all it has
    bool own_group;
};

/// @returns the child's number @throws io_error
[[nodiscard]] pid_t spawn(const spawn_request& request);

}  // namespace weft::inline WEFT_ABI::detail
