#pragma once
// tests/support/awaitable_zoo.hpp: one awaitable of each kind that an await must cope with.
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <stdexcept>
#include <thread>
#include <utility>

#include "weft/base/dispatcher.hpp"
#include "weft/base/work_item.hpp"

namespace weft_test {

/// Has its value at once.
struct ready_awaitable {
    explicit ready_awaitable(int result) : value(result) {}
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    [[nodiscard]] int await_resume() const noexcept { return value; }
    int value;
};

/// Suspends and is never resumed.
struct never_awaitable {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};

/// Throws from one of its three functions.
struct failing_awaitable {
    enum class place { ready, suspend, resume };
    explicit failing_awaitable(place where) : at(where) {}
    [[nodiscard]] bool await_ready() const {
        if (at == place::ready) throw std::runtime_error("await_ready failed");
        return at == place::resume;
    }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("await_suspend failed"); }
    void await_resume() const { throw std::runtime_error("await_resume failed"); }
    place at;
};

/// Suspends once, and refuses to stay suspended.
struct bouncing_awaitable {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    void await_resume() const noexcept {}
};

/// Resumes by symmetric transfer into the very coroutine that awaits.
struct self_transferring_awaitable {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> self) const noexcept { return self; }
    void await_resume() const noexcept {}
};

/// Suspends once and is resumed by the current runtime.
class posted_awaitable : weft::work_item {
public:
    posted_awaitable()
        : work_item([](weft::work_item& item) noexcept { static_cast<posted_awaitable&>(item).waiter_.resume(); }) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) {
        waiter_ = self;
        weft::detail::current_dispatcher().post(*this, weft::post_hint::local);
    }
    void await_resume() const noexcept {}

private:
    std::coroutine_handle<> waiter_;
};

/// Resumes on a thread of its own, which the test joins through `thread`.
class other_thread_awaitable {
public:
    explicit other_thread_awaitable(std::thread& keep) : thread_(keep) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) {
        thread_ = std::thread([self] { self.resume(); });
    }
    void await_resume() const noexcept {}

private:
    std::thread& thread_;
};

/// Awaitable by a member operator only, and only as a temporary.
struct member_operator_awaitable {
    int value;
    explicit member_operator_awaitable(int result) : value(result) {}
    ready_awaitable operator co_await() && noexcept { return ready_awaitable(value); }
};

/// Awaitable by a free operator that argument-dependent lookup finds.
struct free_operator_awaitable {
    int value;
    explicit free_operator_awaitable(int result) : value(result) {}
    friend ready_awaitable operator co_await(const free_operator_awaitable& self) noexcept {
        return ready_awaitable(self.value);
    }
};

}  // namespace weft_test
