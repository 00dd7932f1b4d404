#pragma once
// <weft/task/detail/explored_awaiter.hpp>: in the build for the explorer, every await tells the dispatcher where it stands, and one
// that would go on at once may be suspended: another thread could have run there.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

#if WEFT_EXPLORE

#include <coroutine>
#include <source_location>
#include <type_traits>

#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Asks whether `core`, whose awaited operation is complete or not, is to be preempted here. Precondition: it is running.
[[nodiscard]] inline bool preempted_at(task_core& core, const std::source_location& where, bool ready) noexcept {
    dispatcher* const home = this_thread_block().home;
    return home != nullptr && home->at_await(core, where, ready);
}

/// Around each awaiter. Whether it is ready is asked in await_suspend(), where the coroutine is known.
template <class Awaiter>
struct explored_awaiter {
    Awaiter inner;
    std::source_location where;

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    auto await_suspend(std::coroutine_handle<> self) {
        using answer = decltype(inner.await_suspend(self));
        const bool ready = inner.await_ready();
        task_core& core = core_of(self);
        const bool preempted = preempted_at(core, where, ready);
        if (preempted) {
            // Suspended as by yield(), and the operation, which is over, is looked at when it goes on.
            static_cast<void>(core.begin_suspend(true));
            enqueue(core, post_hint::fair);
        }
        if constexpr (std::is_convertible_v<answer, std::coroutine_handle<>>) {
            if (ready) return preempted ? std::coroutine_handle<>(std::noop_coroutine()) : self;
            return std::coroutine_handle<>(inner.await_suspend(self));
        } else if constexpr (std::is_void_v<answer>) {
            if (ready) return preempted;
            inner.await_suspend(self);
            return true;
        } else {
            return ready ? preempted : static_cast<bool>(inner.await_suspend(self));
        }
    }
    decltype(auto) await_resume() { return inner.await_resume(); }
};

}  // namespace weft::inline WEFT_ABI::detail

#endif
