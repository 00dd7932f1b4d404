#pragma once
// <weft/context/detail/cancellation_state.hpp>: what a cancellation source and its tokens share. The protocol is told in
// src/context/cancellation_state.cpp.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "weft/base/config.hpp"
#include "weft/base/frame_allocator.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/context/detail/cancellation_registry.hpp"

namespace weft::inline WEFT_ABI::detail {

class cancellation_state;
struct thread_block;
struct callback_node;
class parent_links;
struct source_timer;

/// One registration, in a frame or an object of whoever waits.
struct cancellation_node {
    /// Runs on the cancelling thread, outside every lock. The node may be gone when it returns. What it throws is collected.
    using fire_function = void (*)(cancellation_node&);

    cancellation_node* next = nullptr;
    cancellation_node* prev = nullptr;
    fire_function fire = nullptr;
    cancellation_state* owner = nullptr;  ///< null: never registered. The user's token keeps it alive.
    bool linked = false;                  ///< in the owner's list; guarded by its lock

    constexpr cancellation_node() noexcept = default;
    constexpr explicit cancellation_node(fire_function function) noexcept : fire(function) {}
    cancellation_node(const cancellation_node&) = delete;
    cancellation_node& operator=(const cancellation_node&) = delete;
};

class cancellation_state {
public:
    using phase = cancellation_phase;

    explicit cancellation_state(phase initial = phase::live) noexcept;
    cancellation_state(const cancellation_state&) = delete;
    cancellation_state& operator=(const cancellation_state&) = delete;

    [[nodiscard]] bool is_canceled() const noexcept { return registry_.is_canceled(); }
    [[nodiscard]] bool is_disposed() const noexcept { return registry_.is_disposed(); }

    // Registrations.
    [[nodiscard]] bool add(cancellation_node& node) noexcept;
    bool remove(cancellation_node& node) noexcept;
    bool remove_and_wait(cancellation_node& node) noexcept;
    /// Whether the callback of `node` runs right now, in this thread or another.
    [[nodiscard]] bool is_running(const cancellation_node& node) const noexcept { return registry_.is_running(node); }
    /// Whether remove_and_wait() would wait.
    [[nodiscard]] bool is_running_elsewhere(const cancellation_node& node) const noexcept;
    /// How many there are; takes time for each. For tests that nothing stays behind.
    [[nodiscard]] std::size_t registrations() const noexcept;

    // Cancelling, in two steps so that cancel_async() can run the second elsewhere.
    /// @returns false when it was cancelled before
    bool begin_cancel() noexcept;
    /// Runs the callbacks of a state that begin_cancel() claimed. The caller holds a reference.
    void run_callbacks(bool throw_on_first);
    /// Both steps. The caller holds a reference.
    void cancel(bool throw_on_first) {
        if (begin_cancel()) run_callbacks(throw_on_first);
    }
    /// Notes that the running callback goes on in another thread (1.13/17). @returns the thread before
    thread_block* set_executing(thread_block* thread) noexcept;

    void set_provider(time_provider& provider);
    /// @param delay  not negative, or -1 ms for none
    void set_timer(std::chrono::nanoseconds delay);
    [[nodiscard]] bool reset() noexcept;
    void dispose() noexcept;
    /// Called once, before the state is shared.
    void link_to(std::unique_ptr<parent_links> links) noexcept;

    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* block, std::size_t size) noexcept { free_frame(block, size); }

    // Users are handles, tokens and registrations; together they hold one reference. An armed timer, and a parent that is
    // calling, hold one more each.
    void retain() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }  // the caller is a user already
    void release() noexcept {
        // Release orders the uses before the end; the acquire half lets the last user see those of all others.
        if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) abandon();
    }
    void retain_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release_reference() noexcept;

private:
    friend struct source_timer;
    using registry = basic_cancellation_registry<cancellation_node, thread_block, std_atomics>;

    ~cancellation_state();
    void abandon() noexcept;
    [[nodiscard]] source_timer& timer();
    bool stop_timer() noexcept;

    std::atomic<std::uint32_t> users_{1};
    std::atomic<std::uint32_t> references_{1};
    registry registry_;
    std::atomic<source_timer*> timer_{nullptr};
    std::unique_ptr<parent_links> links_;
};

/// The state behind tokens that are cancelled from the start; lives for ever.
[[nodiscard]] cancellation_state& canceled_state() noexcept;

inline cancellation_state* retain_state(cancellation_state* state) noexcept {
    if (state != nullptr) state->retain();
    return state;
}
inline void release_state(cancellation_state* state) noexcept { state->release(); }

}  // namespace weft::inline WEFT_ABI::detail
