#pragma once
// <weft/io/signals.hpp>: the process's signals, awaited.
// Follows System.Runtime.InteropServices.PosixSignalRegistration.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/async_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::signals {

/// Some signals, such as `{SIGTERM, SIGINT}`. A value.
class signal_set {
public:
    /// @throws std::invalid_argument  for a number that is no signal, or one that cannot be waited for: SIGKILL, SIGSTOP, and those that
    ///         are about the instruction that a thread is at (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT)
    template <std::same_as<int>... Others>
    signal_set(int first, Others... others) {  // NOLINT: a list of signals is one
        add(first);
        (add(others), ...);
    }
    void add(int signal);
    [[nodiscard]] bool contains(int signal) const noexcept {
        return signal > 0 && signal <= 64 && (bits_ >> (signal - 1) & 1U) != 0;
    }
    /// Bit n-1: signal n.
    [[nodiscard]] std::uint64_t bits() const noexcept { return bits_; }

private:
    std::uint64_t bits_ = 0;
};
static_assert(std::is_trivially_destructible_v<signal_set>);

/// Waits for one of `which`. @returns it
///
/// From this call on, not from the await, and until it ends, these signals do nothing else in the whole process: a handler that was there
/// before is still called, but nothing is ended or stopped. When the last who waits for a signal has gone, it has its former effect again:
/// so a second SIGINT after wait() has ended, with nobody waiting again, ends the process as usual, without cleaning up. Use stream()
/// where none may slip through.
///
/// Order         several who wait all get it. Of several at once, the lowest number. A signal that comes again before it was taken is one.
/// Threads       works whatever threads run with whatever masks, as long as one leaves the signal unblocked (Weft's own block all: the
///               main thread usually does not). No thread waits.
/// Continuation  as of a task: the captured context, else the pool.
/// Cancellation  throws operation_canceled.
/// @throws io_error  when there is no descriptor left
[[nodiscard]] task<int> wait(signal_set which, cancellation_token token = {});

/// Each of `which` as it comes, from this call on until the stream is gone.
///
/// As wait(), but a signal between two next() is kept (once).
[[nodiscard]] async_stream<int> stream(signal_set which, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::signals
