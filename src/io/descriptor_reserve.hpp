#pragma once
// src/io/descriptor_reserve.hpp: one descriptor of the process that nobody uses, for the moment when there is no other.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Opens it, unless it is there. Called when a runtime gets its driver.
void fill_descriptor_reserve() noexcept;

/// Takes a connection in with it and closes that. @returns 0, or a negative errno: EAGAIN when nobody waits in the line, or when there
/// are descriptors again; EMFILE when there is none to give up
[[nodiscard]] int shed_connection_by_reserve(int listener) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
