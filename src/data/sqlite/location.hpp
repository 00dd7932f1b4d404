#pragma once
// data/sqlite/location.hpp: what a sqlite:// URL says.
// SPDX-License-Identifier: MIT

#include <string>
#include <string_view>

#include "weft/data/database.hpp"

namespace weft::inline WEFT_ABI::data::detail {

enum class open_mode : std::uint8_t { create, must_exist, read_only };

struct sqlite_location {
    std::string name;  ///< the URL without its query part, for messages
    std::string path;  ///< as SQLite takes it
    open_mode mode = open_mode::create;
    database_options options;
};

/// @throws std::invalid_argument  quoting the URL and saying what is wrong with it
[[nodiscard]] sqlite_location parse_sqlite_url(std::string_view url, const database_options& options);

}  // namespace weft::inline WEFT_ABI::data::detail
