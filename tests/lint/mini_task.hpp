#pragma once
// A hot task just large enough for the lint's examples, so that they stand alone: tests/lint/run.py compiles each with clang
// for the lint and with GCC 12 to show that the pattern is real.
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mini {

template <class T>
struct state {
    std::optional<T> value;
    std::coroutine_handle<> waiter;
};

/// Where the never-ready awaiter parks its coroutine, so that the examples really suspend.
inline std::vector<std::coroutine_handle<>> parked;

inline void resume_all() {
    while (!parked.empty()) {
        auto next = parked.back();
        parked.pop_back();
        next.resume();
    }
}

template <class T>
class [[nodiscard]] task {
public:
    struct promise_type {
        std::shared_ptr<state<T>> shared = std::make_shared<state<T>>();
        task get_return_object() { return task(shared); }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void unhandled_exception() { std::terminate(); }
        template <class U>
        void return_value(U&& value) {
            shared->value.emplace(std::forward<U>(value));
            if (shared->waiter) parked.push_back(shared->waiter);
        }
    };

    bool await_ready() const noexcept { return shared_->value.has_value(); }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { shared_->waiter = handle; }
    T await_resume() const { return *shared_->value; }

    /// Runs what is parked until the value is there.
    T get() const {
        resume_all();
        return shared_->value.value();
    }

private:
    explicit task(std::shared_ptr<state<T>> shared) : shared_(std::move(shared)) {}
    std::shared_ptr<state<T>> shared_;
};

/// Suspends once.
struct later {
    later() {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { parked.push_back(handle); }
    int await_resume() const noexcept { return 1; }
};

/// Calls and awaits what `f` returns.
template <class F>
task<int> run(F f) {
    co_await later();
    co_return f();
}

/// A text too long for the small-string buffer: a second destruction of it is a double free.
inline std::string long_text() { return std::string(64, 'x'); }

inline task<std::string> text() {
    co_await later();
    co_return long_text();
}

inline task<bool> truth(bool value) {
    co_await later();
    co_return value;
}

}  // namespace mini
