// The list of suspended tasks: 64 shards by the thread that suspended them first, so that threads rarely meet on one lock, and a
// shard is in the order of that thread.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "nowhere.hpp"
#include "weft/base/spin_lock.hpp"
#include "weft/base/symbols.hpp"
#include "weft/task/detail/all_completed.hpp"
#include "weft/task/detail/completion_order.hpp"
#include "weft/task/detail/first_completed.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI::detail {
namespace {

struct alignas(64) shard {
    spin_lock lock;
    task_core* newest = nullptr;  // linked by live_next towards older ones
};

constexpr std::size_t shard_count = 64;

// Never destroyed: tasks may outlive every static object of the program.
std::array<shard, shard_count>& shards() noexcept {
    static auto* all = new std::array<shard, shard_count>();
    return *all;
}

/// Calls `visit` for each task of `home` (any when null), under the lock of its shard.
template <class Visit>
void for_each_task(const dispatcher* home, Visit visit) {
    for (shard& each : shards()) {
        const std::lock_guard lock(each.lock);
        for (task_core* core = each.newest; core != nullptr; core = core->live_next)
            if (home == nullptr || core->home == home) visit(*core);
    }
}

bool is_queued(const task_core& core) noexcept { return core.awaiting == &core; }

/// What runs the coroutine that this frame belongs to: the first word of a frame on every compiler.
const void* resume_function(task_core& core) noexcept { return *static_cast<void**>(core.frame()); }

/// What each task waits for, among those whose frames are about to go.
using dependencies = std::unordered_map<task_core*, std::vector<task_core*>>;

/// The coroutine that `node` resumes, directly or through a combinator; null for callbacks of other kinds.
task_core* awaiter_behind(continuation& node) noexcept {
    if (task_core* waiting = task_core::of_node(node)) return waiting;
    if (task_core* combining = all_completed::awaiter_of(node)) return combining;
    if (task_core* racing = first_completed::awaiter_of(node)) return racing;
    return completion_order::awaiter_of(node);
}

dependencies dependencies_of(const std::vector<task_core*>& tasks) {
    dependencies found;
    for (task_core* core : tasks) {
        // The producer of a stream has nobody in its list: its consumer names it.
        // One that has ended has no frame, and what that awaited last may be gone: only its awaiter was not run any more.
        if (core->awaiting != nullptr && !is_queued(*core) && core->awaiting->home == core->home &&
            !core->awaiting->is_done())
            found[core].push_back(core->awaiting);
        core->visit_continuations([&](continuation& node) {
            if (task_core* waiting = awaiter_behind(node)) found[waiting].push_back(core);
        });
    }
    return found;
}

/// An order in which the frames may go: what a task awaits, alone or by a combinator, before the task, because the inner ones may
/// refer to locals of the outer; else newest first. Each gets a reference, so that none is freed while others still name it.
std::vector<task_core*> in_order_of_destruction(const dispatcher& home) {
    std::vector<task_core*> newest_first;
    for_each_task(&home, [&](task_core& core) { newest_first.push_back(&core); });
    dependencies inner = dependencies_of(newest_first);
    std::vector<task_core*> order;
    order.reserve(newest_first.size());
    std::vector<task_core*> open;
    const auto enter = [&](task_core* core) {
        if (core->has_flag(flag_in_order)) return;
        core->set_flag(flag_in_order);
        core->add_ref();
        open.push_back(core);
    };
    for (task_core* core : newest_first) {
        enter(core);
        while (!open.empty()) {
            task_core* const top = open.back();
            const auto waits_for = inner.find(top);
            if (waits_for != inner.end() && !waits_for->second.empty()) {
                task_core* const next = waits_for->second.back();
                waits_for->second.pop_back();
                enter(next);
            } else {
                order.push_back(top);
                open.pop_back();
            }
        }
    }
    return order;
}

}  // namespace

void live_tasks::add(task_core& core) noexcept {
    core.live_shard = static_cast<std::uint8_t>(this_thread_block().shard % shard_count);
    shard& home = shards()[core.live_shard];
    const std::lock_guard lock(home.lock);
    core.live_prev = nullptr;
    core.live_next = home.newest;
    if (home.newest != nullptr) home.newest->live_prev = &core;
    home.newest = &core;
}

void live_tasks::remove(task_core& core) noexcept {
    shard& home = shards()[core.live_shard];
    const std::lock_guard lock(home.lock);
    if (core.live_prev != nullptr) core.live_prev->live_next = core.live_next;
    else home.newest = core.live_next;
    if (core.live_next != nullptr) core.live_next->live_prev = core.live_prev;
    core.live_next = core.live_prev = nullptr;
}

std::size_t live_tasks::count(const dispatcher* home) noexcept {
    std::size_t total = 0;
    for_each_task(home, [&](const task_core&) { ++total; });
    return total;
}

void live_tasks::for_each(const dispatcher& home, void (*visit)(void*, task_core&), void* argument) {
    for_each_task(&home, [&](task_core& core) { visit(argument, core); });
}

task_core* live_tasks::awaiter_of(task_core& core) noexcept {
    task_core* first = nullptr;
    core.visit_continuations([&](continuation& node) {
        if (first == nullptr) first = awaiter_behind(node);
    });
    return first;
}

std::vector<std::string> live_tasks::describe(const dispatcher& home, std::size_t most_lines) {
    enum class reason : std::uint8_t { task, foreign_task, operation, queue, ready };
    using kind = std::pair<const void*, std::pair<reason, const void*>>;
    std::map<kind, std::size_t> kinds;
    for_each_task(&home, [&](task_core& core) {
        std::pair<reason, const void*> where{reason::operation, nullptr};
        if (is_queued(core)) where.first = reason::queue;
        // Its frame has gone; nobody has run the awaiter since.
        else if (core.awaiting != nullptr && core.awaiting->is_done()) where.first = reason::ready;
        else if (core.awaiting != nullptr && core.awaiting->has_flag(flag_frame) && core.awaiting->home == &home)
            where = {reason::task, resume_function(*core.awaiting)};
        else if (core.awaiting != nullptr) where.first = reason::foreign_task;
        ++kinds[{resume_function(core), where}];
    });
    std::vector<std::string> lines;
    for (const auto& [which, number] : kinds) {
        if (lines.size() == most_lines) {
            lines.push_back("and " + std::to_string(kinds.size() - most_lines) + " more kinds of suspended tasks");
            break;
        }
        std::string line = number == 1 ? "" : std::to_string(number) + " x ";
        line += "'" + function_name(which.first) + "' ";
        switch (which.second.first) {
            case reason::task: line += "waits for '" + function_name(which.second.second) + "'"; break;
            case reason::foreign_task: line += "waits for a task that no coroutine of this runtime completes"; break;
            case reason::ready: line += "was about to go on: what it waited for has ended"; break;
            case reason::operation: line += "waits for an operation or for several tasks"; break;
            case reason::queue: line += "lies in the queue of a synchronization context that is not pumped"; break;
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

void task_core::run_nothing(work_item& item) noexcept { static_cast<task_core&>(item).release(); }

bool live_tasks::is_going(const task_core& core) noexcept { return core.place == place_nowhere(); }

std::size_t live_tasks::destroy_all(const dispatcher& home) noexcept {
    std::size_t destroyed = 0;
    // Again and again: what a frame's destructors do may start further tasks.
    for (;;) {
        const std::vector<task_core*> order = in_order_of_destruction(home);
        if (order.empty()) return destroyed;
        // Whoever completes a task later, a source that outlives the runtime above all, must find no trace of those that
        // waited. All are taken out before the first frame goes: until then every task that somebody waits for is alive.
        for (task_core* core : order)
            if (core->awaiting != nullptr && !is_queued(*core))
                static_cast<void>(core->awaiting->remove_continuation(*core));
        for (task_core* core : order)
            if (!is_queued(*core)) core->place = place_nowhere();
        for (task_core* core : order) {
            remove(*core);
            core->clear_flag(flag_in_order);
            core->destroy_frame();
            release_context(std::exchange(core->locals, nullptr));
            if (is_queued(*core)) {
                core->add_ref();
                core->run = &task_core::run_nothing;
            }
        }
        // The frame's own reference, and that of the order. Handles that are left see a task that never completes.
        for (task_core* core : order) {
            core->release();
            core->release();
        }
        destroyed += order.size();
    }
}

}  // namespace weft::inline WEFT_ABI::detail
