#pragma once
// data/sqlite/binding.hpp: arguments meet placeholders.
// SPDX-License-Identifier: MIT

#include <sqlite3.h>

#include <vector>

#include "weft/data/parameter.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// Binds `what`'s arguments to `statement`. They must outlive its run: nothing is copied.
///
/// @param placeholders  as translated_sql has it
/// @param used          when not null, takes which arguments found a place; else all must
/// @throws database_error (parameter)  when arguments and placeholders do not fit
void bind_arguments(sqlite3_stmt* statement, const command& what, int placeholders, std::vector<bool>* used);

/// Before anything runs: whether there are as many arguments as the braces name. @throws database_error (parameter)
void check_argument_count(const command& what, int placeholders);
/// After several statements have run. @throws database_error (parameter)
void check_all_used(const command& what, const std::vector<bool>& used);

}  // namespace weft::inline WEFT_ABI::data::detail
