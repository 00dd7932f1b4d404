#pragma once
// <weft/base/work_item.hpp>: the intrusive unit of work that every queue of the library passes around.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI {

/// Something that runs once on some thread: a suspended coroutine, a posted callback, an expired timer's continuation.
///
/// Lifetime      owned by whoever made it; it must stay alive until `run` is called, and `run` is the last use of it by a
///               queue: the callee may free it.
/// Allocation    none; the link lives in the item.
struct work_item {
    /// Runs the item. Must not throw: an exception that leaves ends the process, as in .NET's raw work items.
    using run_function = void (*)(work_item&) noexcept;

    work_item* next;
    run_function run;

    constexpr work_item() noexcept : next(nullptr), run(nullptr) {}
    constexpr explicit work_item(run_function function) noexcept : next(nullptr), run(function) {}

protected:
    struct filled_later {};
    /// For an item inside a larger object that writes both members before it queues itself: leaves them as they are.
    explicit work_item(filled_later) noexcept {}  // NOLINT(*-member-init)
};

}  // namespace weft::inline WEFT_ABI
