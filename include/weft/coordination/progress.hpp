#pragma once
// <weft/coordination/progress.hpp>: how an operation says how far it is, to whoever started it and where they live.
// Follows System.IProgress<T> and System.Progress<T> (semantics 1.5/7).
// SPDX-License-Identifier: MIT

#include <memory>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/synchronization_context.hpp"
#include "weft/coordination/event.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
/// Posts to `captured`, or to the pool when it is null.
void post_to_captured(synchronization_context* captured, synchronization_context::callback function);
}  // namespace detail

/// Where an operation reports to: take a `progress_sink<T>&` (or a pointer that may be null).
template <class T>
class progress_sink {
public:
    virtual ~progress_sink() = default;
    progress_sink(const progress_sink&) = delete;
    progress_sink& operator=(const progress_sink&) = delete;

    /// Says that the operation has come to `value`.
    virtual void report(T value) = 0;

protected:
    progress_sink() = default;
};

/// A sink that calls its handlers in the synchronization_context in which it was made; where there was none, on the pool.
///
/// Order      that of the context. On the pool reports may overtake each other and run at the same time.
/// Threads    report() from any thread; it never runs a handler inside the call.
/// Lifetime   reports that are under way when this goes are still delivered. The context must outlive them.
template <class T>
class progress final : public progress_sink<T> {
public:
    progress() : captured_(detail::capturable(synchronization_context::current())) {}
    /// With a first handler.
    template <class F>
        requires std::is_invocable_v<std::decay_t<F>&, T&>
    explicit progress(F&& handler) : progress() {
        changed_->subscribe(std::forward<F>(handler)).detach();
    }

    /// Raised for each report, with the value.
    [[nodiscard]] event<T>& progress_changed() noexcept { return *changed_; }

    void report(T value) override {
        detail::post_to_captured(
            captured_, [changed = changed_, value = std::move(value)]() mutable { changed->raise(std::move(value)); });
    }

private:
    synchronization_context* captured_;
    std::shared_ptr<event<T>> changed_ = std::make_shared<event<T>>();
};

}  // namespace weft::inline WEFT_ABI
