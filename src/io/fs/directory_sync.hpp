#pragma once
// src/io/fs/directory_sync.hpp: names brought to the disk, which is a directory's affair and not the file's.
// SPDX-License-Identifier: MIT

#include <string>

#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

/// Opened before a file gets its name: behind that nothing may fail but what is about the disk.
[[nodiscard]] task<detail::descriptor_owner> open_directory(std::string path, cancellation_token token);

/// Syncs and closes it once the file has its name. What happens here is no cancellation, which would say that it has not.
[[nodiscard]] task<> sync_named(detail::descriptor_owner directory);

}  // namespace weft::inline WEFT_ABI::fs
