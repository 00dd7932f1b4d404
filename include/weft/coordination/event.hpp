#pragma once
// <weft/coordination/event.hpp>: handlers that subscribe to something and are called when it is raised.
// Follows the events of C# (`event EventHandler E; E += handler`), whose handlers are async void methods (semantics 1.4, 1.29).
// SPDX-License-Identifier: MIT

#include <atomic>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/task/awaitable.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// What is awaited of what a handler returned: the object itself, or the task that stands behind it.
template <class Returned>
concept handled_by_awaiting = awaitable<Returned>;
/// An async_void: it reports failures by itself, and can be watched as a task so that its closure lives long enough.
template <class Returned>
concept watched_coroutine = !handled_by_awaiting<Returned> && requires(Returned& returned) {
    { returned.completion() } -> handled_by_awaiting;
};

/// Runs one call of an asynchronous handler. The closure and the arguments are this frame's until the call is over, so a
/// capturing lambda coroutine, and one that takes the arguments by reference, are safe.
template <class Returned, class... Args>
task<> run_owned_call(std::shared_ptr<void> function, Returned (*call)(void*, Args&...), Args... args) {
    Returned running = call(function.get(), args...);
    // Back in the context: the closure may hold what only its thread may destroy.
    if constexpr (watched_coroutine<Returned>) {
        auto end = running.completion();
        co_await std::move(end);
    } else {
        co_await std::move(running);
    }
}

/// Calls `function`, which others may let go of meanwhile. An asynchronous one goes on by itself afterwards; its failure reaches
/// on_unobserved_task_exception().
template <class F, class... Args>
void call_owned(std::shared_ptr<F> function, Args... args) {
    using returned = std::invoke_result_t<F&, Args&...>;
    if constexpr (handled_by_awaiting<returned> || watched_coroutine<returned>) {
        returned (*const call)(
            void*, Args&...) = [](void* self, Args&... with) -> returned { return (*static_cast<F*>(self))(with...); };
        run_owned_call<returned, Args...>(std::move(function), call, std::forward<Args>(args)...).forget();
    } else {
        static_cast<void>((*function)(args...));
    }
}

/// One subscription; in the event's list, in snapshots of it, and behind the handle.
class event_slot_base {
public:
    event_slot_base(const event_slot_base&) = delete;
    event_slot_base& operator=(const event_slot_base&) = delete;
    virtual ~event_slot_base() = default;
    /// Takes it out of the event, if that still lives.
    virtual void remove() noexcept = 0;
    [[nodiscard]] bool is_active() const noexcept { return active_.load(std::memory_order_acquire); }

protected:
    event_slot_base() = default;
    /// @returns whether this call ended the subscription
    bool deactivate() noexcept { return active_.exchange(false, std::memory_order_acq_rel); }

private:
    std::atomic<bool> active_{true};
};

}  // namespace detail

/// A handler's place in an event. Destroying it unsubscribes. A resource: move-only.
///
/// Threads   any. It does not wait for a call that is just running, on whichever thread.
/// Lifetime  may outlive its event.
class [[nodiscard("the handler is unsubscribed when the subscription goes: keep it in a variable")]] subscription {
public:
    /// Of nothing.
    subscription() noexcept = default;
    subscription(subscription&&) noexcept = default;
    subscription& operator=(subscription&& other) noexcept {
        if (this != &other) {
            unsubscribe();
            slot_ = std::move(other.slot_);
        }
        return *this;
    }
    ~subscription() { unsubscribe(); }

    /// Whether the handler would be called.
    [[nodiscard]] bool is_subscribed() const noexcept {
        const std::shared_ptr<detail::event_slot_base> slot = slot_.lock();
        return slot != nullptr && slot->is_active();
    }
    /// After this no call of the handler begins. The closure goes when the calls that are running have ended.
    void unsubscribe() noexcept {
        if (const std::shared_ptr<detail::event_slot_base> slot = slot_.lock()) slot->remove();
        slot_.reset();
    }
    /// Gives up the right to unsubscribe: the handler stays for as long as the event lives.
    void detach() noexcept { slot_.reset(); }

    /// @internal
    explicit subscription(const std::shared_ptr<detail::event_slot_base>& slot) noexcept : slot_(slot) {}

private:
    std::weak_ptr<detail::event_slot_base> slot_;
};

/// Calls every subscribed handler when it is raised, in the order of subscription, on the raising thread.
///
/// A handler is any callable that takes `Args...`. It may return anything but is best void, async_void or task<>: one that
/// returns an awaitable runs until its first suspension inside raise() and goes on by itself; the event keeps its closure and
/// copies of the by-value arguments until it is over. Its failure reaches on_unobserved_task_exception() (that of an async_void
/// goes where async_void sends it).
///
/// Order      subscriptions made and ended during a raise() count from the next one on; only a handler that is unsubscribed
///            before its turn is not called any more.
/// Threads    every member may be called from any thread.
/// Allocation one block a subscribe() and for the list; raise() allocates nothing for plain handlers.
/// Lifetime   handlers that run while the event is destroyed go on.
template <class... Args>
class event {
    static_assert((!std::is_rvalue_reference_v<Args> && ...),
        "an event has many handlers: give it values or lvalue references, not rvalue references");

public:
    event() : state_(std::make_shared<state>()) {}
    event(const event&) = delete;
    event& operator=(const event&) = delete;
    ~event() = default;

    /// Adds `handler`, which the event owns.
    template <class F>
        requires std::is_invocable_v<std::decay_t<F>&, Args&...>
    subscription subscribe(F&& handler) {
        auto slot = std::make_shared<typed_slot<std::decay_t<F>>>(state_, std::forward<F>(handler));
        {
            const std::lock_guard lock(state_->mutex);
            auto next = std::make_shared<handler_list>(*state_->handlers);
            next->push_back(slot);
            state_->handlers = std::move(next);
        }
        return subscription(slot);
    }

    /// Calls the handlers. @throws what a handler throws directly; those behind it are not called then, as in .NET
    void raise(Args... args) const {
        const std::shared_ptr<const handler_list> now = state_->snapshot();
        for (const std::shared_ptr<slot_base>& slot : *now)
            if (slot->is_active()) slot->call(slot, args...);
    }

    [[nodiscard]] std::size_t subscribers() const { return state_->snapshot()->size(); }

private:
    class slot_base;
    using handler_list = std::vector<std::shared_ptr<slot_base>>;

    // The list is immutable: a raise() walks the one it found.
    struct state {
        std::mutex mutex;
        std::shared_ptr<const handler_list> handlers = std::make_shared<const handler_list>();

        [[nodiscard]] std::shared_ptr<const handler_list> snapshot() {
            const std::lock_guard lock(mutex);
            return handlers;
        }
    };

    class slot_base : public detail::event_slot_base {
    public:
        explicit slot_base(std::weak_ptr<state> owner) noexcept : owner_(std::move(owner)) {}
        virtual void call(const std::shared_ptr<slot_base>& self, Args&... args) = 0;
        void remove() noexcept override {
            if (!this->deactivate()) return;
            const std::shared_ptr<state> owner = owner_.lock();
            if (owner == nullptr) return;
            const std::lock_guard lock(owner->mutex);
            auto next = std::make_shared<handler_list>();
            next->reserve(owner->handlers->size() - 1);
            for (const std::shared_ptr<slot_base>& slot : *owner->handlers)
                if (slot.get() != this) next->push_back(slot);
            owner->handlers = std::move(next);
        }

    private:
        std::weak_ptr<state> owner_;
    };

    template <class F>
    class typed_slot final : public slot_base {
    public:
        template <class G>
        typed_slot(std::weak_ptr<state> owner, G&& handler)
            : slot_base(std::move(owner)), handler_(std::forward<G>(handler)) {}
        void call(const std::shared_ptr<slot_base>& self, Args&... args) override {
            detail::call_owned<F, Args...>(std::shared_ptr<F>(self, &handler_), args...);
        }

    private:
        F handler_;
    };

    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI
