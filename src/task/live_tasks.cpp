// The list of suspended tasks: 64 shards by address, so that two workers rarely meet on one lock.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "weft/base/spin_lock.hpp"
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

shard& shard_of(const task_core& core) noexcept {
    // Blocks are multiples of 32 bytes; mixing the higher bits spreads the equally sized neighbours of one slab.
    const auto address = reinterpret_cast<std::uintptr_t>(&core);
    return shards()[((address >> 5) ^ (address >> 11) ^ (address >> 17)) % shard_count];
}

}  // namespace

void live_tasks::add(task_core& core) noexcept {
    shard& home = shard_of(core);
    std::lock_guard lock(home.lock);
    core.live_prev = nullptr;
    core.live_next = home.newest;
    if (home.newest != nullptr) home.newest->live_prev = &core;
    home.newest = &core;
}

void live_tasks::remove(task_core& core) noexcept {
    shard& home = shard_of(core);
    std::lock_guard lock(home.lock);
    if (core.live_prev != nullptr) core.live_prev->live_next = core.live_next;
    else home.newest = core.live_next;
    if (core.live_next != nullptr) core.live_next->live_prev = core.live_prev;
    core.live_next = core.live_prev = nullptr;
}

std::size_t live_tasks::count(const dispatcher* home) noexcept {
    std::size_t total = 0;
    for (shard& each : shards()) {
        std::lock_guard lock(each.lock);
        for (const task_core* core = each.newest; core != nullptr; core = core->live_next)
            if (home == nullptr || core->home == home) ++total;
    }
    return total;
}

// Whoever completes a task later, a source that outlives the runtime above all, must find no trace of those that waited. All
// are taken out before the first frame goes: until then every task that somebody waits for is alive.
void live_tasks::unregister_all(const dispatcher& home) noexcept {
    for (shard& each : shards()) {
        std::lock_guard lock(each.lock);
        for (task_core* core = each.newest; core != nullptr; core = core->live_next) {
            if (core->home != &home || core->awaiting == nullptr) continue;
            static_cast<void>(std::exchange(core->awaiting, nullptr)->remove_continuation(*core));
        }
    }
}

std::size_t live_tasks::destroy_all(const dispatcher& home) noexcept {
    unregister_all(home);
    // One at a time, and looked up again each time: destroying a frame may drop the last handle of another suspended task's
    // awaiter, or run code that ends other tasks.
    std::size_t destroyed = 0;
    for (shard& each : shards()) {
        for (;;) {
            task_core* victim = nullptr;
            {
                std::lock_guard lock(each.lock);
                for (victim = each.newest; victim != nullptr && victim->home != &home;) victim = victim->live_next;
                if (victim != nullptr) {
                    if (victim->live_prev != nullptr) victim->live_prev->live_next = victim->live_next;
                    else each.newest = victim->live_next;
                    if (victim->live_next != nullptr) victim->live_next->live_prev = victim->live_prev;
                    victim->live_next = victim->live_prev = nullptr;
                }
            }
            if (victim == nullptr) break;
            victim->destroy_frame();
            release_context(std::exchange(victim->locals, nullptr));
            // The frame's own reference. Handles that are left see a task that never completes.
            victim->release();
            ++destroyed;
        }
    }
    return destroyed;
}

}  // namespace weft::inline WEFT_ABI::detail
