// What every thread of the runtime starts with, and what a fork leaves behind.
// SPDX-License-Identifier: MIT

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "scheduling/pool_core.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

constinit std::atomic<std::uint64_t> process_generation{0};

namespace {

// Registered before main(), so before any runtime exists. A child has none of the parent's threads: it must not use its
// runtimes, and can be told by the number.
[[maybe_unused]] const bool fork_watched =
    ::pthread_atfork(nullptr, nullptr, [] { process_generation.fetch_add(1, std::memory_order_relaxed); }) == 0;

}  // namespace

std::thread start_thread(unique_function<void()> body) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    // A new thread inherits the mask: blocked before, so that no signal finds it unprotected.
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    struct restore {
        const sigset_t& mask;
        ~restore() { ::pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
    } guard{before};
    return std::thread([run = std::move(body)]() mutable {
        // The default slack of 50 µs would be added to every sleep with a deadline.
        ::prctl(PR_SET_TIMERSLACK, 1'000UL, 0UL, 0UL, 0UL);
        run();
    });
}

void name_this_thread(std::string_view name) noexcept {
    char text[16] = {};
    std::memcpy(text, name.data(), std::min(name.size(), sizeof text - 1));
    ::pthread_setname_np(::pthread_self(), text);
}

void run_raw_callback(unique_function<void()>& body, const char* where) noexcept {
    try {
        body();
    } catch (...) {
        const std::string message = message_of(std::current_exception());
        std::fprintf(stderr, "weft: an exception left a callback %s: %s\n", where, message.c_str());
        std::terminate();
    }
}

}  // namespace weft::inline WEFT_ABI::detail
