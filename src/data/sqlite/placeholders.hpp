#pragma once
// data/sqlite/placeholders.hpp: {0} becomes ?1.
// SPDX-License-Identifier: MIT

#include <string>
#include <string_view>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::data::detail {

inline constexpr int no_placeholders = -1;

struct translated_sql {
    std::string text;
    int placeholders = no_placeholders;  ///< one more than the largest number in braces
};

/// Leaves literals, quoted names and comments as they are.
/// @throws database_error (parameter)  for braces outside of them that hold no number
[[nodiscard]] translated_sql translate_placeholders(std::string_view sql);

}  // namespace weft::inline WEFT_ABI::data::detail
