#pragma once
// <weft/task/value_task_source.hpp>: versioned, reusable completions behind a value_task.
// Follows IValueTaskSource and ManualResetValueTaskSourceCore (semantics 1.3).
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "weft/base/error.hpp"
#include "weft/task/detail/awaiter.hpp"
#include "weft/task/detail/source_word.hpp"

namespace weft::inline WEFT_ABI {

/// How a source-backed value_task stands.
enum class value_task_source_status : std::uint8_t { pending, succeeded, faulted, canceled };

/// Something that completes many times, once per version. Implemented by pooled operations; consumed through value_task.
///
/// Threads  get_status, on_completed and get_result may race with the completion, not with each other.
template <class T>
class value_task_source {
public:
    value_task_source() = default;
    value_task_source(const value_task_source&) = delete;
    value_task_source& operator=(const value_task_source&) = delete;

    /// @throws invalid_operation  for a version that is not the current one, as every member
    [[nodiscard]] virtual value_task_source_status get_status(std::uint16_t version) const = 0;
    /// Registers the one continuation of this version. A registration after completion queues it.
    /// @throws invalid_operation  when one is registered already
    virtual void on_completed(detail::continuation& node, std::uint16_t version) = 0;
    /// Takes the result and ends the version. @throws what it completed with; invalid_operation  before completion
    virtual T get_result(std::uint16_t version) = 0;

protected:
    ~value_task_source() = default;
};

namespace detail {

/// The state of a manual-reset source that does not depend on the result.
class value_task_source_core {
public:
    explicit value_task_source_core(bool run_continuations_asynchronously) noexcept
        : run_async_(run_continuations_asynchronously) {}

    void reset() noexcept;
    [[nodiscard]] std::uint16_t version() const noexcept { return version_; }
    [[nodiscard]] value_task_source_status status(std::uint16_t version) const;
    void on_completed(continuation& node, std::uint16_t version);
    /// Throws unless this version has completed; rethrows its error.
    void check_result(std::uint16_t version);
    /// Reserves the completion. @throws invalid_operation  when it has completed
    void claim();
    void complete(std::exception_ptr error);

private:
    void check_version(std::uint16_t version) const;

    basic_source_word<continuation, std_atomics> word_;
    std::uint16_t version_ = 0;
    bool run_async_;
    std::exception_ptr error_;
};

}  // namespace detail

/// A value_task_source completed by hand and reusable after reset(). A resource: it must outlive the value_tasks made from it.
template <class T = void>
class manual_reset_value_task_source final : public value_task_source<T> {
public:
    explicit manual_reset_value_task_source(bool run_continuations_asynchronously = false) noexcept
        : core_(run_continuations_asynchronously) {}

    /// Starts a new version; value_tasks of the old one become invalid.
    void reset() noexcept {
        value_.reset();
        core_.reset();
    }
    [[nodiscard]] std::uint16_t version() const noexcept { return core_.version(); }

    /// @throws invalid_operation  when this version has completed
    template <class U = T>
        requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&>)
    void set_result(U&& value) {
        core_.claim();
        try {
            value_.emplace(std::forward<U>(value));
        } catch (...) {
            core_.complete(std::current_exception());
            return;
        }
        core_.complete(nullptr);
    }
    void set_result()
        requires(std::is_void_v<T>)
    {
        core_.claim();
        core_.complete(nullptr);
    }
    /// An operation_canceled makes the status canceled (1.3/7). @throws invalid_operation  when this version has completed
    void set_exception(std::exception_ptr error) {
        core_.claim();
        core_.complete(std::move(error));
    }

    [[nodiscard]] value_task_source_status get_status(std::uint16_t version) const override {
        return core_.status(version);
    }
    void on_completed(detail::continuation& node, std::uint16_t version) override { core_.on_completed(node, version); }
    T get_result(std::uint16_t version) override {
        core_.check_result(version);
        if constexpr (std::is_void_v<T>) {
            core_.reset();
        } else {
            T value = std::move(*value_);
            reset();
            return value;
        }
    }

private:
    using stored = std::conditional_t<std::is_void_v<T>, bool, T>;
    detail::value_task_source_core core_;
    std::optional<stored> value_;
};

}  // namespace weft::inline WEFT_ABI
