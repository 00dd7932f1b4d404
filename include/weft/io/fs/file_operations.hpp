#pragma once
// <weft/io/fs/file_operations.hpp>: whole files in one call.
// Follows System.IO.File.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

// Cancellation, continuation and errors as for <weft/fs/file.hpp>; the file is closed in any case. A cancelled or failed write
// may have written a part.

/// The bytes of a file, as they are: text is not checked or converted.
[[nodiscard]] task<std::string> read_all_text(std::string path, cancellation_token token = {});
[[nodiscard]] task<std::vector<std::byte>> read_all_bytes(std::string path, cancellation_token token = {});

/// Makes the file, or replaces what was in it.
[[nodiscard]] task<> write_all_text(std::string path, std::string_view text, cancellation_token token = {});
[[nodiscard]] task<> write_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token = {});

/// Adds to the end of the file, which is made if it is not there.
[[nodiscard]] task<> append_all_text(std::string path, std::string_view text, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::fs
