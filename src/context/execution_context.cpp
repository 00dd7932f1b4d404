// The map of async-local values. It is immutable: setting a value makes a new map that shares the other values, so a captured
// context is one counted pointer and never changes. A map is a sorted array: programs have a handful of variables, and a copy
// of a handful of pointers beats any tree. The empty map is the null pointer, so a program without async-locals pays one test
// where a context would flow.
// SPDX-License-Identifier: MIT

#include "weft/context/execution_context.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "weft/base/assert.hpp"
#include "weft/base/error.hpp"
#include "weft/context/async_local.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

namespace {

struct map_entry {
    std::uint64_t id;  // the slot's, kept here so that a search touches one array only
    local_slot* slot;
    local_value* value;
};

void retain(local_value& value) noexcept {
    value.references.fetch_add(1, std::memory_order_relaxed);  // the caller holds one, so nothing needs to be seen
}

void release(local_value& value) noexcept {
    // Acquire and release: whoever drops the last reference sees all uses of the others before it destroys.
    if (value.references.fetch_sub(1, std::memory_order_acq_rel) == 1) value.destroy(value);
}

}  // namespace

/// Header of a map; `count` entries, sorted by id, stand behind it.
struct alignas(map_entry) context_map {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t count = 0;
    bool notifies = false;  // some slot in it has a callback

    [[nodiscard]] map_entry* begin() noexcept { return reinterpret_cast<map_entry*>(this + 1); }
    [[nodiscard]] map_entry* end() noexcept { return begin() + count; }

    [[nodiscard]] map_entry* find(std::uint64_t id) noexcept {
        for (map_entry& entry : *this) {
            if (entry.id >= id) return entry.id == id ? &entry : nullptr;
        }
        return nullptr;
    }

    /// Appends in order of id; shares slot and value.
    void append(local_slot& slot, local_value& value) noexcept {
        slot.retain();
        retain(value);
        ::new (static_cast<void*>(end())) map_entry{slot.id(), &slot, &value};
        ++count;
        notifies = notifies || slot.notifies();
    }

    static context_map* make(std::size_t capacity) {
        void* memory = ::operator new(sizeof(context_map) + capacity * sizeof(map_entry));
        return ::new (memory) context_map;
    }
};
static_assert(sizeof(context_map) % alignof(map_entry) == 0, "entries follow the header without a gap");

namespace {

/// Owns one reference to a map.
class map_hold {
public:
    explicit map_hold(context_map* map) noexcept : map_(map) {}
    ~map_hold() { release_context(map_); }
    map_hold(const map_hold&) = delete;
    map_hold& operator=(const map_hold&) = delete;

private:
    context_map* map_;
};

/// `map` with `slot` set to `value`, or without it if `value` is null. Null when nothing is left.
context_map* with_value(context_map* map, local_slot& slot, local_value* value) {
    const std::size_t old_count = map == nullptr ? 0 : map->count;
    const bool present = map != nullptr && map->find(slot.id()) != nullptr;
    const std::size_t new_count = old_count + (value != nullptr ? 1u : 0u) - (present ? 1u : 0u);
    if (new_count == 0) return nullptr;

    context_map* made = context_map::make(new_count);
    bool placed = value == nullptr;
    if (map != nullptr) {
        for (map_entry& entry : *map) {
            if (!placed && entry.id >= slot.id()) {
                made->append(slot, *value);
                placed = true;
            }
            if (entry.id != slot.id()) made->append(*entry.slot, *entry.value);
        }
    }
    if (!placed) made->append(slot, *value);
    return made;
}

/// Tells every variable with a callback whose value differs between the two maps, oldest variable first.
void notify_switch(context_map* previous, context_map* next) noexcept {
    map_entry* left = previous == nullptr ? nullptr : previous->begin();
    map_entry* const left_end = previous == nullptr ? nullptr : previous->end();
    map_entry* right = next == nullptr ? nullptr : next->begin();
    map_entry* const right_end = next == nullptr ? nullptr : next->end();
    while (left != left_end || right != right_end) {
        const bool use_left = right == right_end || (left != left_end && left->id <= right->id);
        const bool use_right = left == left_end || (right != right_end && right->id <= left->id);
        local_slot& slot = use_left ? *left->slot : *right->slot;
        const local_value* before = use_left ? left->value : nullptr;
        const local_value* after = use_right ? right->value : nullptr;
        if (use_left) ++left;
        if (use_right) ++right;
        if (before != after && slot.notifies()) slot.notify(before, after, true);
    }
}

}  // namespace

void retain_context_slow(context_map* map) noexcept {
    if (map != nullptr) map->references.fetch_add(1, std::memory_order_relaxed);  // the caller holds one
}

void release_context_slow(context_map* map) noexcept {
    // As for a value: the last one out sees every use.
    if (map == nullptr || map->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    for (map_entry& entry : *map) {
        release(*entry.value);
        entry.slot->release();
    }
    map->~context_map();
    ::operator delete(static_cast<void*>(map));
}

void switch_context_slow(thread_block& block, context_map* next) noexcept {
    context_map* previous = block.locals;
    if (previous == next) {
        release_context(next);
        return;
    }
    const bool notifies = (previous != nullptr && previous->notifies) || (next != nullptr && next->notifies);
    if (!notifies) {
        block.locals = next;
        release_context(previous);
        return;
    }
    // A callback may set a value and so drop the thread's reference to `next`: it is held until all have been told.
    retain_context(next);
    block.locals = next;
    notify_switch(previous, next);
    release_context(next);
    release_context(previous);
}

local_slot::local_slot(change_function on_change)
    : id_([] {
          static constinit std::atomic<std::uint64_t> made{0};
          return made.fetch_add(1, std::memory_order_relaxed) + 1;  // only the number matters
      }()),
      notifies_(static_cast<bool>(on_change)),
      on_change_(std::move(on_change)) {}

void local_slot::retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // the caller holds one

void local_slot::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // as for a value
}

local_slot& slot_of(std::atomic<local_slot*>& place) {
    local_slot* slot = place.load(std::memory_order_acquire);
    if (slot != nullptr) return *slot;
    auto* made = new local_slot(nullptr);
    // Release publishes the slot to the acquire loads of other threads; a loser sees the winner's by acquire.
    if (place.compare_exchange_strong(slot, made, std::memory_order_acq_rel, std::memory_order_acquire)) return *made;
    made->release();
    return *slot;
}

local_value* find_local(const local_slot& slot) noexcept {
    context_map* map = this_thread_block().locals;
    if (map == nullptr) return nullptr;
    map_entry* entry = map->find(slot.id());
    return entry == nullptr ? nullptr : entry->value;
}

void store_local(local_slot& slot, local_value* value) {
    thread_block& block = this_thread_block();
    context_map* made = nullptr;
    try {
        made = with_value(block.locals, slot, value);
    } catch (...) {
        if (value != nullptr) release(*value);
        throw;
    }
    if (value != nullptr) release(*value);  // the map has its own reference

    context_map* previous = std::exchange(block.locals, made);
    if (!slot.notifies()) {
        release_context(previous);
        return;
    }
    // Both maps are held while the callback runs, because it may set values itself, and it may throw.
    const map_hold hold_previous(previous);
    const map_hold hold_made(retain_context(made));
    map_entry* before = previous == nullptr ? nullptr : previous->find(slot.id());
    slot.notify(before == nullptr ? nullptr : before->value, value, false);
}

}  // namespace detail

execution_context execution_context::capture() noexcept {
    detail::thread_block& block = detail::this_thread_block();
    execution_context context;
    if (block.flow_suppressed) return context;
    context.map_ = detail::retain_context(block.locals);
    context.captured_ = true;
    return context;
}

namespace {

/// The caller's ambient state, put back whatever the body does.
class ambient_scope {
public:
    explicit ambient_scope(detail::context_map* next) noexcept
        : block_(detail::this_thread_block()),
          locals_(detail::retain_context(block_.locals)),
          sync_(block_.sync),
          suppressed_(std::exchange(block_.flow_suppressed, false)) {
        detail::switch_context(block_, detail::retain_context(next));
    }
    ~ambient_scope() {
        block_.sync = sync_;
        block_.flow_suppressed = suppressed_;
        detail::switch_context(block_, locals_);
    }
    ambient_scope(const ambient_scope&) = delete;
    ambient_scope& operator=(const ambient_scope&) = delete;

private:
    detail::thread_block& block_;
    detail::context_map* locals_;
    synchronization_context* sync_;
    bool suppressed_;
};

}  // namespace

void execution_context::run(const execution_context& context, unique_function<void()> body) {
    if (!context.captured_) throw invalid_operation("execution_context::run: the context was not captured");
    const ambient_scope scope(context.map_);
    body();
}

execution_context::flow_guard execution_context::suppress_flow() {
    detail::thread_block& block = detail::this_thread_block();
    if (block.flow_suppressed) throw invalid_operation("suppress_flow: the flow is already suppressed on this thread");
    block.flow_suppressed = true;
    return flow_guard(block);
}

bool execution_context::is_flow_suppressed() noexcept { return detail::this_thread_block().flow_suppressed; }

void execution_context::flow_guard::undo() {
    if (!active_) throw invalid_operation("flow_guard::undo: the suppression has already ended");
    if (owner_ != &detail::this_thread_block()) {
        throw invalid_operation("flow_guard::undo: the flow was suppressed on another thread");
    }
    active_ = false;
    owner_->flow_suppressed = false;
}

execution_context::flow_guard::~flow_guard() {
    if (!active_) return;
    WEFT_ASSERT(owner_ == &detail::this_thread_block(), "a flow_guard must end on the thread that suppressed the flow");
    owner_->flow_suppressed = false;
}

}  // namespace weft::inline WEFT_ABI
