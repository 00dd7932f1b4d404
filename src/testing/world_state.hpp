#pragma once
// What a world holds beside its scheduler.
// SPDX-License-Identifier: MIT

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "testing/scheduler_state.hpp"
#include "weft/base/work_item.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/testing/world.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace detail {

/// A cancellation that may come at any time, or never.
struct pending_cancellation : work_item {
    cancellation_source source;

    pending_cancellation() : work_item(&cancel) {}
    static void cancel(work_item& item) noexcept {
        try {
            static_cast<pending_cancellation&>(item).source.cancel();
        } catch (...) {
            if (world* here = world::current_or_null()) try {
                    here->check(false, "a callback of a cancellation threw");
                } catch (const check_failed&) {
                    // Recorded in the world.
                }
        }
    }
};

}  // namespace detail

struct world::state {
    explicit state(deterministic_scheduler& where) : scheduler(where) {}

    deterministic_scheduler& scheduler;
    std::vector<std::unique_ptr<detail::pending_cancellation>> cancellations;
    std::map<std::string, bool> planted;  // which faults of buggify() this schedule has
    std::map<std::string, std::size_t> probes;
    std::string failed;  // the first check that failed
};

}  // namespace weft::inline WEFT_ABI::testing
