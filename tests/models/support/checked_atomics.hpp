#pragma once
// tests/models/support/checked_atomics.hpp: the atomics policy under which relacy runs the library's own code.
//
// Every access is a point where another thread may go on, and a load returns any value that its order and the past of its thread
// allow. A planted defect weakens one order of one function of that code; a model that does not find it proves nothing.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "models/support/relacy.hpp"

namespace weft_model {

/// What an access is, for a defect to be found by. A compare-exchange that fails is a load with its second order.
enum class access : std::uint8_t { load, store, change, fence };

/// One memory order made weaker: of the accesses of kind `what` with order `from` in the functions called `function`.
struct defect {
    const char* name;
    const char* function;
    access what;
    std::memory_order from;
    std::memory_order to;
};

/// The defect that is in force; null in the run that must pass. The threads of a model are fibers of one thread.
inline const defect* planted = nullptr;
/// Whether the planted defect's access was ever come across: a name that no code has would prove nothing either.
inline bool planted_was_met = false;

[[nodiscard]] inline std::memory_order effective(access what, std::memory_order order, const char* function) noexcept {
    if (planted == nullptr || planted->what != what || planted->from != order) return order;
    if (std::strcmp(planted->function, function) != 0) return order;
    planted_was_met = true;
    return planted->to;
}

[[nodiscard]] inline rl::memory_order translated(std::memory_order order) noexcept {
    switch (order) {
        case std::memory_order::relaxed: return rl::mo_relaxed;
        case std::memory_order::consume:
        case std::memory_order::acquire: return rl::mo_acquire;
        case std::memory_order::release: return rl::mo_release;
        case std::memory_order::acq_rel: return rl::mo_acq_rel;
        case std::memory_order::seq_cst: return rl::mo_seq_cst;
    }
    return rl::mo_seq_cst;
}

/// The strongest order that a compare-exchange of order `success` may fail with.
[[nodiscard]] constexpr std::memory_order failing(std::memory_order success) noexcept {
    switch (success) {
        case std::memory_order::release: return std::memory_order::relaxed;
        case std::memory_order::acq_rel: return std::memory_order::acquire;
        default: return success;
    }
}
/// `failure`, unless the (perhaps weakened) success order cannot have it: relacy wants them in step.
[[nodiscard]] constexpr std::memory_order in_step(std::memory_order success, std::memory_order failure) noexcept {
    return static_cast<int>(failure) > static_cast<int>(failing(success)) ? failing(success) : failure;
}

/// Integers, enumerations and pointers are words to relacy, so that it can print them.
using word = std::uint64_t;
template <class T>
[[nodiscard]] word encoded(T value) noexcept {
    if constexpr (std::is_pointer_v<T>) return reinterpret_cast<word>(value);
    else return static_cast<word>(value);
}
template <class T>
[[nodiscard]] T decoded(word bits) noexcept {
    if constexpr (std::is_pointer_v<T>) return reinterpret_cast<T>(bits);
    else return static_cast<T>(bits);
}

/// std::atomic over relacy's.
template <class T>
class checked_atomic {
public:
    checked_atomic() = default;
    checked_atomic(T value) : cell_(encoded(value)) {}  // NOLINT(*-explicit-*): as std::atomic
    checked_atomic(const checked_atomic&) = delete;
    checked_atomic& operator=(const checked_atomic&) = delete;

    T load(std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {
        return decoded<T>(cell_.load(translated(effective(access::load, order, function)), {function, file, line}));
    }
    void store(T value, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        cell_.store(encoded(value), translated(effective(access::store, order, function)), {function, file, line});
    }
    T exchange(T value, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return decoded<T>(cell_.exchange(encoded(value), changing(order, function), {function, file, line}));
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
        const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
        unsigned line = __builtin_LINE()) {
        return compare<false>(expected, desired, success, failure, function, {function, file, line});
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order order = std::memory_order::seq_cst,
        const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
        unsigned line = __builtin_LINE()) {
        return compare<false>(expected, desired, order, failing(order), function, {function, file, line});
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
        const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
        unsigned line = __builtin_LINE()) {
        return compare<true>(expected, desired, success, failure, function, {function, file, line});
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order order = std::memory_order::seq_cst,
        const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
        unsigned line = __builtin_LINE()) {
        return compare<true>(expected, desired, order, failing(order), function, {function, file, line});
    }
    T fetch_add(T value, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return decoded<T>(cell_.fetch_add(encoded(value), changing(order, function), {function, file, line}));
    }
    T fetch_sub(T value, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return decoded<T>(cell_.fetch_sub(encoded(value), changing(order, function), {function, file, line}));
    }
    T fetch_or(T value, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return decoded<T>(cell_.fetch_or(encoded(value), changing(order, function), {function, file, line}));
    }
    T fetch_and(T value, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return decoded<T>(cell_.fetch_and(encoded(value), changing(order, function), {function, file, line}));
    }
    /// As a spin: a wake-up that was forgotten is not seen, the word's own value is.
    void wait(T old, std::memory_order order = std::memory_order::seq_cst, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {
        while (load(order, function, file, line) == old) rl::yield(1, rl::debug_info(function, file, line));
    }
    void notify_one() noexcept {}
    void notify_all() noexcept {}

private:
    static rl::memory_order changing(std::memory_order order, const char* function) noexcept {
        return translated(effective(access::change, order, function));
    }
    template <bool Weak>
    bool compare(T& expected, T desired, std::memory_order success, std::memory_order failure, const char* function,
        rl::debug_info where) {
        success = effective(access::change, success, function);
        failure = in_step(success, effective(access::load, failure, function));
        word old = encoded(expected);
        const bool changed = cell_.compare_exchange(
            rl::bool_t<Weak>(), old, encoded(desired), translated(success), translated(failure), where);
        expected = decoded<T>(old);
        return changed;
    }

    mutable rl::atomic<word> cell_;
};

/// A variable of which relacy reports two accesses that nothing orders.
template <class T>
class checked_plain {
public:
    checked_plain() = default;
    checked_plain(T value) { *this = value; }  // NOLINT(*-explicit-*): stands for a T
    checked_plain(const checked_plain& other) { *this = static_cast<T>(other); }
    checked_plain& operator=(const checked_plain& other) { return *this = static_cast<T>(other); }
    checked_plain& operator=(T value) {
        cell_(rl::debug_info("plain", __FILE__, __LINE__)) = encoded(value);
        return *this;
    }
    operator T() const {
        return decoded<T>(cell_(rl::debug_info("plain", __FILE__, __LINE__)).load());
    }  // NOLINT(*-explicit-*)
    T operator->() const
        requires std::is_pointer_v<T>
    {
        return *this;
    }

private:
    mutable rl::var<word> cell_;
};

/// weft's atomics policy.
struct checked_atomics {
    template <class T>
    using atomic = checked_atomic<T>;
    template <class T>
    using plain = checked_plain<T>;

    static void fence(std::memory_order order, const char* function = __builtin_FUNCTION(),
        const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        order = effective(access::fence, order, function);
        if (order != std::memory_order::relaxed)
            rl::atomic_thread_fence(translated(order), rl::debug_info(function, file, line));
    }
    static void pause() { rl::yield(1, rl::debug_info("pause", __FILE__, __LINE__)); }
    static void yield() { rl::yield(1, rl::debug_info("yield", __FILE__, __LINE__)); }
};

/// What must hold at this point of a model.
inline void require(bool holds, const char* what, const char* function = __builtin_FUNCTION(),
    const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    if (!holds) rl::ctx().fail_test(what, rl::test_result_user_assert_failed, rl::debug_info(function, file, line));
}

}  // namespace weft_model
