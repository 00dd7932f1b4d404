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
        std::string what;    ///< "goes on", "timer", a choice
    };

    std::vector<entry> entries;
    std::map<std::uint32_t, std::string> names;   ///< of tasks: their coroutine
    std::map<std::uint32_t, std::string> places;  ///< where each task awaits, as file:line
    std::uint32_t current = 0;                    ///< the task that ran last

    /// Something that no task does: a timer, a cancellation, a jump of time.
    void event(std::string what);
    /// Something that the running task does.
    void note(std::string what);
    /// A ready item is about to run.
    void runs(deterministic_scheduler& world, work_item& item);
    void awaits(
        deterministic_scheduler& world, weft::detail::task_core& task, const std::source_location& where, bool ready);
    void stopped(deterministic_scheduler& world, weft::detail::task_core& task);

    /// A column a task, a row an entry, at most `rows` of them: the last ones.
    [[nodiscard]] std::string to_string(std::size_t rows) const;
    /// A line for each suspended task that no other awaits with it: "#2 reader at queue.cpp:31 <- #1 main at queue.cpp:12".
    [[nodiscard]] std::string chains(deterministic_scheduler& world);

private:
    std::uint32_t number(deterministic_scheduler& world, weft::detail::task_core& task);
    [[nodiscard]] std::string label(std::uint32_t task) const;
};

}  // namespace weft::inline WEFT_ABI::testing::detail
