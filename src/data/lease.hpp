#pragma once
// data/lease.hpp: waiting in line for the exclusive use of a session.
// SPDX-License-Identifier: MIT

#include <memory>

#include "weft/data/detail/engine.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// @throws object_disposed, operation_canceled
task<std::shared_ptr<lease>> lease_session(std::shared_ptr<engine> of, cancellation_token token);

}  // namespace weft::inline WEFT_ABI::data::detail
