#pragma once
// src/io/net/accepting.hpp: taking connections in, also when descriptors run out.
// SPDX-License-Identifier: MIT

#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The descriptor of the next connection of `listener`, which the caller keeps in use.
///
/// While descriptors or memory are out, it pauses: the connections wait in the kernel's line. After a second of that, those in
/// the line are taken in by a reserved descriptor and closed, a line at each pause, so that their clients learn it. One line a minute of
/// the process goes to standard error. The first descriptor that is free again ends it.
///
/// Only the peers' mishaps are passed over; other errors are the caller's.
[[nodiscard]] task<int> accept_descriptor(descriptor_state& listener, cancellation_token token);

}  // namespace weft::inline WEFT_ABI::detail
