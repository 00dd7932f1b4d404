#pragma once
// src/io/fs/unique_name.hpp: names that nothing else has.
// SPDX-License-Identifier: MIT

#include <string>
#include <string_view>

#include "weft/context/cancellation.hpp"
#include "weft/io/fs/file.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

inline constexpr int unique_letters = 12;
/// `stem` and unique_letters letters of the runtime's randomness, which a test's seed decides.
[[nodiscard]] std::string unique_name(std::string_view stem);

/// A new file whose name begins with `stem`, open to read and write.
/// @param path  is set to its name
[[nodiscard]] task<file> create_unique(std::string stem, permissions created, std::string& path, cancellation_token token);

/// What a temporary file beside `path` is called at first: hidden, and recognisable should it ever be left behind.
[[nodiscard]] std::string stem_beside(const std::string& path);
/// The directory of a file: "." for a bare name.
[[nodiscard]] std::string directory_of(const std::string& path);

/// Closes a file of whose contents nothing depends on that: it was read, or goes away.
[[nodiscard]] task<> close_quietly(file& of);
/// Closes and removes a file that did not become what it was made for. Errors are kept to itself: something has failed already.
[[nodiscard]] task<> discard(file& unwanted, std::string path);

}  // namespace weft::inline WEFT_ABI::fs
