#pragma once
// <weft/context/execution_context.hpp>: the immutable set of async-local values that flows with an operation.
// Follows System.Threading.ExecutionContext (semantics 1.6).
// SPDX-License-Identifier: MIT

#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/base/unique_function.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

// The rest of the library handles context maps only through these four; null is the empty map and costs nothing.

/// Adds a reference. `map` may be null.
void retain_context_slow(context_map* map) noexcept;
/// Drops a reference. `map` may be null.
void release_context_slow(context_map* map) noexcept;
/// Makes `next` (whose reference is taken over) the thread's map, drops the reference to the old one and raises the
/// change notifications of the values that differ (1.6/6).
void switch_context_slow(thread_block& block, context_map* next) noexcept;

inline context_map* retain_context(context_map* map) noexcept {
    if (map != nullptr) [[unlikely]]
        retain_context_slow(map);
    return map;
}
inline void release_context(context_map* map) noexcept {
    if (map != nullptr) [[unlikely]]
        release_context_slow(map);
}
inline void switch_context(thread_block& block, context_map* next) noexcept {
    if (block.locals != next || next != nullptr) [[unlikely]]
        switch_context_slow(block, next);
}
/// The reference to flow into an operation created now: null while flow is suppressed.
inline context_map* capture_context(thread_block& block) noexcept {
    return block.flow_suppressed ? nullptr : retain_context(block.locals);
}

}  // namespace detail

/// A snapshot of the async-local values at one moment. A value: copies are cheap and equal for ever.
class execution_context {
public:
    /// The empty context.
    execution_context() noexcept = default;
    execution_context(const execution_context& other) noexcept
        : map_(detail::retain_context(other.map_)), captured_(other.captured_) {}
    execution_context(execution_context&& other) noexcept
        : map_(std::exchange(other.map_, nullptr)), captured_(std::exchange(other.captured_, false)) {}
    execution_context& operator=(execution_context other) noexcept {
        std::swap(map_, other.map_);
        std::swap(captured_, other.captured_);
        return *this;
    }
    ~execution_context() { detail::release_context(map_); }

    /// The calling thread's context; invalid (see is_captured) while flow is suppressed.
    [[nodiscard]] static execution_context capture() noexcept;
    /// Whether this was captured; false for a default one and while flow was suppressed.
    [[nodiscard]] bool is_captured() const noexcept { return captured_; }

    /// Runs `body` under `context` on this thread, and puts the caller's values back.
    /// @throws invalid_operation  if `context` was not captured
    static void run(const execution_context& context, unique_function<void()> body);

    /// Makes captures on this thread empty until the returned guard goes. @throws invalid_operation  if already suppressed
    class [[nodiscard]] flow_guard {
    public:
        flow_guard(flow_guard&& other) noexcept : owner_(other.owner_), active_(std::exchange(other.active_, false)) {}
        flow_guard& operator=(flow_guard&&) = delete;
        ~flow_guard();
        /// Ends the suppression early. @throws invalid_operation  on another thread or a second time
        void undo();

    private:
        friend class execution_context;
        explicit flow_guard(detail::thread_block& owner) noexcept : owner_(&owner), active_(true) {}
        detail::thread_block* owner_ = nullptr;
        bool active_;
    };
    static flow_guard suppress_flow();
    [[nodiscard]] static bool is_flow_suppressed() noexcept;

private:
    detail::context_map* map_ = nullptr;
    bool captured_ = false;
};

}  // namespace weft::inline WEFT_ABI
