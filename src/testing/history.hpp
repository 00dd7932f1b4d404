#pragma once
// What the tasks of a scenario called and saw, and whether the model explains it.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weft/testing/linearizability.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// How a call ended.
enum class call_end : std::uint8_t { pending, returned, canceled };

struct recorded_call {
    std::size_t operation;
    std::size_t caller;
    std::size_t argument;
    call_end end = call_end::pending;
    std::string result{};
};

enum class history_event : std::uint8_t {
    begins,
    waits,  ///< it stands in line, or has been let through
    ends,
    asked_to_stop,
    rest  ///< of no call: nothing runs any more; who has begun and not ended waits
};

struct history {
    struct entry {
        history_event what;
        std::size_t call;
    };
    std::vector<recorded_call> calls;
    std::vector<entry> entries;

    /// The same text for the same history.
    [[nodiscard]] std::string key() const;
    /// A column a task, a row an event; `marked` is the first that nothing explains.
    [[nodiscard]] std::string table(const scenario_plan& plan, std::size_t marked) const;
};

/// @returns the position of the first entry that no order of the calls explains; the number of entries when all are
[[nodiscard]] std::size_t first_unexplained(const history& of, const scenario_plan& plan);

}  // namespace weft::inline WEFT_ABI::testing::detail
