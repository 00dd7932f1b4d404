// The runtime of programs that never name one. Made on first use, in memory that is never freed; its threads end at exit, before
// the destructors of statics that are older than it, and nothing is destroyed under tasks that are still alive.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>

#include "scheduling/default_runtime.hpp"
#include "scheduling/pool_core.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI {

namespace {

constinit std::atomic<runtime*> instance{nullptr};
constinit std::mutex making;

// Long enough for an item that is nearly done, too short to be felt when a callback never returns.
constexpr auto exit_limit = std::chrono::milliseconds(200);

WEFT_NOINLINE runtime& make_default() {
    const std::lock_guard guard(making);
    if (runtime* made = instance.load(std::memory_order_relaxed)) return *made;
    try {
        auto* made = new runtime;
        instance.store(made, std::memory_order_release);
        static_cast<void>(std::atexit([] { detail::stop_default_runtime(exit_limit); }));
        return *made;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weft: the default runtime cannot start: %s\n", error.what());
        std::_Exit(2);
    }
}

}  // namespace

runtime& runtime::default_runtime() {
    if (dispatcher* home = detail::this_thread_block().home) home->leaves("uses the default runtime");
    // Acquire pairs with make_default(): the runtime is seen complete.
    runtime* made = instance.load(std::memory_order_acquire);
    return made != nullptr ? *made : make_default();
}

dispatcher& default_dispatcher() { return runtime::default_runtime().pool(); }

namespace detail {

void stop_default_runtime(std::chrono::nanoseconds limit) noexcept {
    runtime* made = instance.load(std::memory_order_acquire);
    if (made != nullptr) runtime_exit::stop_threads(*made, limit);
}

bool default_runtime_exists() noexcept { return instance.load(std::memory_order_acquire) != nullptr; }

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
