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
    /// Rows of a report.
    static constexpr std::size_t most_rows = 60;

    struct entry {
        std::uint32_t task;  ///< its number; 0 for timers and events
        std::string what;    ///< "goes on", "timer", a choice
    };

    std::vector<entry> entries;
    std::map<std::uint32_t, std::string> names;   ///< of tasks: their coroutine
    std::map<std::uint32_t, std::string> places;  ///< where each task awaits, as file:line
    std::uint32_t current = 0;                    ///< the task that ran last
    std::uint32_t own = 0;                        ///< the explorer's task, which no reader wants to see; 0: none
    std::uint32_t test = 0;                       ///< the task that it runs: what it does on the explorer's is shown there

    /// Something that no task does: a timer, a cancellation, a jump of time.
    void event(std::string what);
    /// Something that the running task does.
    void note(std::string what);
    /// A ready item is about to run.
    void runs(deterministic_scheduler& world, work_item& item);
    void awaits(
        deterministic_scheduler& world, weft::detail::task_core& task, const std::source_location& where, bool ready);
    void stopped(deterministic_scheduler& world, weft::detail::task_core& task);

    /// The task of the test itself, which the explorer's own has just called.
    void begins(deterministic_scheduler& world, weft::detail::task_core& task) { test = number(world, task); }

    /// A column a task, a row an entry, at most `rows` of them: the last ones.
    [[nodiscard]] std::string to_string(std::size_t rows = most_rows) const;
    /// A line for each suspended task that no other awaits with it: "#2 reader at queue.cpp:31 <- #1 main at queue.cpp:12".
    [[nodiscard]] std::string chains(deterministic_scheduler& world);

private:
    std::uint32_t number(deterministic_scheduler& world, weft::detail::task_core& task);
    [[nodiscard]] std::string label(std::uint32_t task) const;
    /// The column of an entry; 0: that of the events.
    [[nodiscard]] std::uint32_t column_of(const entry& of) const noexcept { return of.task == own ? test : of.task; }
    /// "#2": the reader's tasks are counted from 1.
    [[nodiscard]] std::string shown(std::uint32_t task) const {
        return "#" + std::to_string(own != 0 && task > own ? task - 1 : task);
    }
};

}  // namespace weft::inline WEFT_ABI::testing::detail
