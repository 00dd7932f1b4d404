#pragma once
// Planted bugs of waiting and waking.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "explore/planted/plant.hpp"

namespace planted {

// ---- looks, and only then waits: a signal in between finds nobody

template <bool Fixed>
struct one_shot {
    bool is_set = false;
    std::vector<std::shared_ptr<waiter>> waiting;

    task<> wait(world& w) {
        if (is_set) co_return;
        if constexpr (!Fixed) co_await w.point();
        const task<bool> woken = waiting.emplace_back(make_waiter())->task();
        co_await woken;
    }
    void set() {
        is_set = true;
        for (const auto& each : std::exchange(waiting, {})) each->set_result(true);
    }
};

template <bool Fixed>
task<> lost_unpark(world& w) {
    one_shot<Fixed> ready;
    task<> setting = w.spawn([&] { ready.set(); });
    co_await w.point();
    co_await ready.wait(w);
    co_await setting;
}

// ---- a condition: leaves the lock before it stands in line, so that the notification between them is lost

template <bool Fixed>
struct condition {
    std::deque<std::shared_ptr<waiter>> waiting;

    task<> wait(weft::async_mutex& mutex, weft::async_mutex::guard& guard, world& w) {
        std::shared_ptr<waiter> mine = make_waiter();
        if constexpr (Fixed) waiting.push_back(mine);
        guard = {};
        if constexpr (!Fixed) {
            co_await w.point();
            waiting.push_back(mine);
        }
        const task<bool> woken = mine->task();
        co_await woken;
        guard = co_await mutex.lock();
    }
    void notify_all() {
        for (const auto& each : std::exchange(waiting, {})) each->set_result(true);
    }
};

template <bool Fixed>
task<> notify_before_wait(world& w) {
    weft::async_mutex mutex;
    condition<Fixed> changed;
    bool full = false;
    task<> consumer = w.spawn([&]() -> task<> {
        weft::async_mutex::guard guard = co_await mutex.lock();
        while (!full) co_await changed.wait(mutex, guard, w);
    });
    task<> producer = w.spawn([&]() -> task<> {
        weft::async_mutex::guard guard = co_await mutex.lock();
        full = true;
        changed.notify_all();
    });
    co_await weft::when_all(consumer, producer);
}

// ---- an auto-reset event whose waiter goes on standing in line after its time was over: it takes the signal of another

template <bool Fixed>
struct auto_reset {
    bool is_set = false;
    std::deque<std::shared_ptr<waiter>> waiting;

    task<bool> wait(std::chrono::nanoseconds limit) {
        if (std::exchange(is_set, false)) co_return true;
        const std::shared_ptr<waiter> mine = waiting.emplace_back(make_waiter());
        weft::timer alarm([mine] { mine->try_set_result(false); }, limit);
        const task<bool> woken = mine->task();
        const bool in_time = co_await woken;
        if (!in_time) std::erase(waiting, mine);
        co_return in_time;
    }
    void set() {
        while (!waiting.empty()) {
            const std::shared_ptr<waiter> next = waiting.front();
            waiting.pop_front();
            // The wrong one takes it for granted that who stands in line still waits.
            const bool served = next->try_set_result(true);
            if (served || !Fixed) return;
        }
        is_set = true;
    }
};

template <bool Fixed>
task<> signal_to_a_waiter_that_timed_out(world& w) {
    auto_reset<Fixed> bell;
    task<bool> impatient = bell.wait(1ms);
    task<> ringing = w.spawn([&]() -> task<> {
        co_await weft::delay(1ms);
        bell.set();
    });
    const bool heard = co_await impatient;
    co_await ringing;
    w.check(heard || bell.is_set, "a signal that nobody heard stays");
}

// ---- a broadcast that wakes those who wait and then opens: who came in between waits for ever

template <bool Fixed>
struct broadcast {
    bool open = false;
    std::vector<std::shared_ptr<waiter>> waiting;

    task<> wait() {
        if (open) co_return;
        const task<bool> woken = waiting.emplace_back(make_waiter())->task();
        co_await woken;
    }
    task<> set(world& w) {
        if constexpr (Fixed) open = true;
        for (const auto& each : std::exchange(waiting, {})) each->set_result(true);
        co_await w.point();
        open = true;
    }
};

template <bool Fixed>
task<> broadcast_misses_a_late_waiter(world& w) {
    broadcast<Fixed> start;
    task<> first = w.spawn([&] { return start.wait(); });
    task<> late = w.spawn([&]() -> task<> {
        co_await w.point();
        co_await start.wait();
    });
    co_await start.set(w);
    co_await weft::when_all(first, late);
}

// ---- waiters come from a store and are used again: a cancellation aimed at the last use hits the next

template <bool Fixed>
struct waiter_store {
    struct node {
        waiter source{run_async};
        int use = 0;
    };
    node only;

    task<bool> wait(cancellation_token stop, world& w) {
        only.source = waiter(run_async);
        const int use = ++only.use;
        const task<bool> woken = only.source.task();
        const bool served = co_await woken;
        // Who cancels has seen this waiter, and comes to it a little later.
        if (stop.is_cancellation_requested()) cancel(use, w).forget();
        co_return served;
    }
    task<> cancel(int use, world& w) {
        co_await w.point();
        if (!Fixed || only.use == use) only.source.try_set_result(false);
    }
};

template <bool Fixed>
task<> aba_of_a_reused_waiter(world& w) {
    waiter_store<Fixed> store;
    const cancellation_token stop = w.cancel_any_time();
    task<bool> first = store.wait(stop, w);
    co_await w.point();
    store.only.source.try_set_result(true);
    co_await first;
    const cancellation_token never;
    task<bool> second = store.wait(never, w);
    co_await w.settle();
    store.only.source.try_set_result(true);
    w.check(co_await second, "nobody cancelled the second wait");
}

// ---- two wakers each see that nobody has woken the waiter yet

template <bool Fixed>
struct two_wakers {
    task_completion_source<> source{run_async};

    task<> wake(world& w) {
        if constexpr (Fixed) {
            source.try_set_result();
            co_return;
        }
        const task<> woken = source.task();
        if (woken.is_completed()) co_return;
        co_await w.point();
        source.set_result();
    }
};

template <bool Fixed>
task<> double_resume(world& w) {
    two_wakers<Fixed> waiting;
    task<> first = waiting.wake(w);
    task<> second = waiting.wake(w);
    co_await waiting.source.task();
    co_await weft::when_all(first, second);
}

// ---- a request that is answered and times out at once has two outcomes

template <bool Fixed>
struct request {
    int outcomes = 0;
    bool over = false;

    task<> end(world& w) {
        if (over) co_return;
        if constexpr (Fixed) over = true;
        co_await w.point();
        over = true;
        ++outcomes;
    }
};

template <bool Fixed>
task<> timeout_and_result_both_delivered(world& w) {
    request<Fixed> asked;
    task<> timeout = w.spawn([&]() -> task<> {
        co_await weft::delay(5ms);
        co_await asked.end(w);
    });
    task<> answer = w.spawn([&]() -> task<> {
        co_await weft::delay(5ms);
        co_await asked.end(w);
    });
    co_await weft::when_all(timeout, answer);
    w.check(asked.outcomes == 1, "one outcome");
}

// ---- an object that wakes its waiters under its lock, with continuations that run inline

template <bool Fixed>
struct notifier {
    bool locked = false;
    bool changed = false;
    std::vector<std::shared_ptr<waiter>> waiting;

    void lock(world& w) { w.check(!std::exchange(locked, true), "a continuation of this object ran under its lock"); }
    task<> wait(world& w) {
        lock(w);
        if (std::exchange(changed, false)) {
            locked = false;
            co_return;
        }
        const auto mine = std::make_shared<waiter>(Fixed ? run_async : weft::creation_options::none);
        waiting.push_back(mine);
        locked = false;
        const task<bool> woken = mine->task();
        co_await woken;
    }
    void notify(world& w) {
        lock(w);
        changed = waiting.empty();
        for (const auto& each : std::exchange(waiting, {})) each->set_result(true);
        locked = false;
    }
};

template <bool Fixed>
task<> inline_continuation_under_a_lock(world& w) {
    notifier<Fixed> changes;
    task<> telling = w.spawn([&]() -> task<> {
        changes.notify(w);
        co_await w.settle();
        changes.notify(w);
    });
    task<> watching = w.spawn([&]() -> task<> {
        co_await changes.wait(w);
        // Whoever looks again does so from its continuation.
        co_await changes.wait(w);
    });
    co_await weft::when_all(watching, telling);
}

}  // namespace planted
