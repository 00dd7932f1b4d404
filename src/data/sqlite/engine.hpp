#pragma once
// data/sqlite/engine.hpp: makes the engine behind a sqlite:// database.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>

#include "data/sqlite/location.hpp"
#include "weft/data/detail/engine.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// Opens nothing yet. The engine begins to close when the last copy of the pointer goes.
[[nodiscard]] std::shared_ptr<engine> make_sqlite_engine(sqlite_location location);

/// Threads of sessions in this process.
[[nodiscard]] std::size_t session_thread_count() noexcept;

}  // namespace weft::inline WEFT_ABI::data::detail
