#pragma once
// What happened in a run, for the report of a failure: one entry a step.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <vector>

#include "weft/base/time_provider.hpp"
#include "weft/base/work_item.hpp"
#include "weft/task/detail/task_core.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

struct trace {
    struct entry {
        std::uint32_t task;  ///< its number; 0 for timers and events
        time_point at;
        std::string what;  ///< "goes on", "a timer fires", a fault
        std::string where;
    };

    std::vector<entry> entries;
    std::map<std::uint32_t, std::string> names;   ///< of tasks: their coroutine
    std::map<std::uint32_t, std::string> places;  ///< where each task awaits, as file:line

    void add(deterministic_scheduler& world, std::uint32_t task, std::string what);
    /// A ready item is about to run.
    void runs(deterministic_scheduler& world, work_item& item);
    void awaits(deterministic_scheduler& world, weft::detail::task_core& task, const std::source_location& where);
    void name(std::uint32_t number, weft::detail::task_core& task);

    /// A column a task, a row an entry, at most `rows` of them: the last ones.
    [[nodiscard]] std::string to_string(std::size_t rows) const;
};

}  // namespace weft::inline WEFT_ABI::testing::detail
