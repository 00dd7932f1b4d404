#pragma once
// Planted bugs of permits, locks and counts.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <vector>

#include "explore/planted/plant.hpp"

namespace planted {

// ---- woken, then cancelled: the permit has been granted, the waiter throws, nobody has it

enum class semaphore_bug : unsigned char { none, cancelled_after_grant, grants_to_cancelled, swaps_on_removal, retries };

template <semaphore_bug Bug>
struct semaphore {
    int free = 0;
    std::deque<std::shared_ptr<waiter>> queue;

    task<> wait(cancellation_token token) {
        if (free > 0) {
            --free;
            co_return;
        }
        const std::shared_ptr<waiter> mine = queue.emplace_back(make_waiter());
        cancellation_registration stop = token.register_callback([mine, this] {
            if (mine->try_set_result(false)) remove(mine);
        });
        const task<bool> granted = mine->task();
        const bool has_permit = co_await granted;
        if (!has_permit) throw weft::task_canceled(token);
        if (Bug == semaphore_bug::cancelled_after_grant) token.throw_if_cancellation_requested();
    }
    void release() {
        while (!queue.empty()) {
            const std::shared_ptr<waiter> next = queue.front();
            queue.pop_front();
            const bool granted = next->try_set_result(true);
            if (granted || Bug == semaphore_bug::grants_to_cancelled) return;
        }
        ++free;
    }
    void remove(const std::shared_ptr<waiter>& who) {
        if (Bug == semaphore_bug::grants_to_cancelled) return;  // "release() will find out"
        const auto place = std::find(queue.begin(), queue.end(), who);
        if (place == queue.end()) return;
        if (Bug == semaphore_bug::swaps_on_removal) {
            *place = queue.back();
            queue.pop_back();
        } else {
            queue.erase(place);
        }
    }
};

template <semaphore_bug Bug>
task<> permit_scenario(world& w) {
    semaphore<Bug> gate;
    const cancellation_token stop = w.cancel_any_time();
    task<> waiting = w.spawn([&]() -> task<> {
        try {
            co_await gate.wait(stop);
            gate.release();
        } catch (const operation_canceled&) {}
    });
    task<> releasing = w.spawn([&] { gate.release(); });
    co_await weft::when_all(waiting, releasing);
    w.check(gate.free == 1, "no permit is lost");
}

template <bool Fixed>
task<> permit_lost_when_cancelled_after_the_grant(world& w) {
    return permit_scenario<Fixed ? semaphore_bug::none : semaphore_bug::cancelled_after_grant>(w);
}
template <bool Fixed>
task<> permit_granted_to_a_cancelled_waiter(world& w) {
    return permit_scenario<Fixed ? semaphore_bug::none : semaphore_bug::grants_to_cancelled>(w);
}

// ---- a cancelled waiter is taken out of line by putting the last one in its place

template <bool Fixed>
task<> order_broken_by_a_cancellation(world& w) {
    semaphore<Fixed ? semaphore_bug::none : semaphore_bug::swaps_on_removal> gate;
    const cancellation_token stop = w.cancel_any_time();
    const cancellation_token never;
    std::vector<int> order;
    const auto user = [&](int name, cancellation_token token) -> task<> {
        try {
            co_await gate.wait(token);
            order.push_back(name);
        } catch (const operation_canceled&) {}
    };
    task<> first = user(1, stop);
    task<> second = user(2, never);
    task<> third = user(3, never);
    for (int i = 0; i < 3; ++i) {
        co_await w.settle();
        gate.release();
    }
    co_await weft::when_all(first, second, third);
    w.check(std::is_sorted(order.begin(), order.end()), "who came first goes first");
}

// ---- a lock that wakes the next one and lets it try again: a newcomer is faster

template <bool Fixed>
struct lock {
    bool taken = false;
    std::deque<std::shared_ptr<waiter>> queue;

    task<> enter() {
        while (taken || (Fixed && !queue.empty())) {
            const task<bool> woken = queue.emplace_back(make_waiter())->task();
            const bool handed_over = co_await woken;
            if (handed_over) co_return;
        }
        taken = true;
    }
    void leave() {
        if (queue.empty()) {
            taken = false;
            return;
        }
        const std::shared_ptr<waiter> next = queue.front();
        queue.pop_front();
        if (!Fixed) taken = false;
        next->set_result(Fixed);
    }
};

template <bool Fixed>
task<> newcomer_overtakes_the_woken(world& w) {
    lock<Fixed> door;
    std::vector<int> order;
    int arrived = 0;
    const auto user = [&]() -> task<> {
        co_await w.point();
        const int number = arrived++;
        co_await door.enter();
        order.push_back(number);
        co_await w.point();
        door.leave();
    };
    task<> first = user();
    task<> second = user();
    task<> third = user();
    co_await weft::when_all(first, second, third);
    w.check(std::is_sorted(order.begin(), order.end()), "a lock is given in order of arrival");
}

// ---- readers and a writer: a cancelled writer at the head leaves, and nobody looks who may enter now

template <bool WakesAfterCancel, bool ReadersQueueBehindWriter>
struct readers_writer {
    struct entry {
        std::shared_ptr<waiter> who;
        bool writes;
    };
    int readers = 0;
    bool writing = false;
    std::deque<entry> queue;

    task<> read() {
        if (!writing && (queue.empty() || !ReadersQueueBehindWriter)) {
            ++readers;
            co_return;
        }
        const task<bool> woken = queue.emplace_back(make_waiter(), false).who->task();
        co_await woken;
    }
    task<> write(cancellation_token token) {
        if (!writing && readers == 0) {
            writing = true;
            co_return;
        }
        const std::shared_ptr<waiter> mine = queue.emplace_back(make_waiter(), true).who;
        cancellation_registration stop = token.register_callback([mine, this] {
            if (!mine->try_set_result(false)) return;
            std::erase_if(queue, [&](const entry& each) { return each.who == mine; });
            if constexpr (WakesAfterCancel) admit();
        });
        const task<bool> woken = mine->task();
        if (!co_await woken) throw weft::task_canceled(token);
    }
    void end_read() {
        --readers;
        admit();
    }
    void end_write() {
        writing = false;
        admit();
    }
    void admit() {
        while (!queue.empty() && !writing && !(queue.front().writes && readers != 0)) {
            const entry next = queue.front();
            queue.pop_front();
            if (!next.who->try_set_result(true)) continue;
            if (next.writes) writing = true;
            else ++readers;
        }
    }
};

template <bool Fixed>
task<> cancelled_head_blocks_those_behind(world& w) {
    readers_writer<Fixed, true> book;
    const cancellation_token stop = w.cancel_any_time();
    co_await book.read();
    task<> writer = w.spawn([&]() -> task<> {
        try {
            co_await book.write(stop);
            book.end_write();
        } catch (const operation_canceled&) {}
    });
    bool read_beside = false;
    task<> reader = w.spawn([&]() -> task<> {
        co_await w.point();
        co_await book.read();
        read_beside = true;
        book.end_read();
    });
    co_await w.settle();
    w.check(read_beside || !book.queue.empty(), "a reader gets in or stands in line");
    w.check(book.queue.empty() || book.queue.front().writes, "no reader waits while it could read");
    book.end_read();
    co_await weft::when_all(writer, reader);
}

template <bool Fixed>
task<> readers_starve_a_writer(world& w) {
    readers_writer<true, Fixed> book;
    bool writer_waits = false;
    int admitted_past_writer = 0;
    const cancellation_token never;
    const auto reader = [&]() -> task<> {
        for (int round = 0; round < 2; ++round) {
            co_await w.point();
            const bool was_waiting = writer_waits;
            co_await book.read();
            if (was_waiting && writer_waits) ++admitted_past_writer;
            co_await w.point();
            book.end_read();
        }
    };
    task<> first = reader();
    task<> second = reader();
    task<> writer = w.spawn([&]() -> task<> {
        writer_waits = true;
        co_await book.write(never);
        writer_waits = false;
        book.end_write();
    });
    co_await weft::when_all(first, second, writer);
    w.check(admitted_past_writer == 0, "readers that come after a writer wait behind it");
}

// ---- a rate limiter that looks at its tokens, does something else, and spends one

template <bool Fixed>
struct limiter {
    int tokens = 1;

    task<bool> spend(world& w) {
        if (tokens == 0) co_return false;
        if constexpr (!Fixed) co_await w.point();
        --tokens;
        co_return true;
    }
};

template <bool Fixed>
task<> rate_limiter_spends_twice(world& w) {
    limiter<Fixed> bucket;
    task<bool> first = bucket.spend(w);
    task<bool> second = bucket.spend(w);
    co_await weft::when_all(first, second);
    w.check(bucket.tokens >= 0, "no token is spent that was not there");
}

// ---- two locks in two orders

template <bool Fixed>
task<> deadlock_by_lock_order(world& w) {
    weft::async_mutex left;
    weft::async_mutex right;
    const auto transfer = [&](weft::async_mutex& from, weft::async_mutex& to) -> task<> {
        weft::async_mutex& outer = Fixed ? left : from;
        weft::async_mutex& inner = Fixed ? right : to;
        const weft::async_mutex::guard first = co_await outer.lock();
        co_await w.point();
        const weft::async_mutex::guard second = co_await inner.lock();
    };
    task<> there = transfer(left, right);
    task<> back = transfer(right, left);
    co_await weft::when_all(there, back);
}

// ---- a countdown whose signals look first and count later

template <bool Fixed>
struct countdown {
    int left = 1;

    task<bool> signal(world& w) {
        if (left == 0) co_return false;
        if constexpr (!Fixed) co_await w.point();
        --left;
        co_return true;
    }
};

template <bool Fixed>
task<> countdown_goes_below_zero(world& w) {
    countdown<Fixed> open;
    task<bool> first = w.spawn([&] { return open.signal(w); });
    task<bool> second = w.spawn([&] { return open.signal(w); });
    co_await weft::when_all(first, second);
    w.check(open.left == 0, "a countdown ends at zero");
}

// ---- a slot that the one who cancels gives back, and the one who had it too

template <bool Fixed>
struct slot_user {
    int free = 0;
    bool held = true;

    void give_back() {
        if (!Fixed || held) ++free;
        held = false;
    }
};

template <bool Fixed>
task<> permit_released_twice(world& w) {
    slot_user<Fixed> user;
    const cancellation_token stop = w.cancel_any_time();
    {
        const cancellation_registration kill = stop.register_callback([&] { user.give_back(); });
        co_await w.point();
        co_await w.point();
        user.give_back();
    }
    w.check(user.free == 1, "a slot is given back once");
}

// ---- a barrier whose waiter counts itself out when it is cancelled, even if its phase is over

template <bool Fixed>
struct barrier {
    int arrived = 0;
    int phase = 0;
    std::vector<std::shared_ptr<waiter>> waiting;

    task<> arrive(cancellation_token token) {
        const int mine = phase;
        if (++arrived == 2) {
            arrived = 0;
            ++phase;
            for (const auto& each : std::exchange(waiting, {})) each->try_set_result(true);
            co_return;
        }
        const std::shared_ptr<waiter> me = waiting.emplace_back(make_waiter());
        cancellation_registration stop = token.register_callback([me] { me->try_set_result(false); });
        const task<bool> woken = me->task();
        co_await woken;
        if (!token.is_cancellation_requested()) co_return;
        if (Fixed && phase != mine) co_return;
        --arrived;
        std::erase(waiting, me);
        throw weft::task_canceled(token);
    }
};

template <bool Fixed>
task<> barrier_miscounts_a_cancelled_participant(world& w) {
    barrier<Fixed> both;
    const cancellation_token stop = w.cancel_any_time();
    const cancellation_token never;
    task<> leaving = w.spawn([&]() -> task<> {
        bool left = false;
        try {
            co_await both.arrive(stop);
        } catch (const operation_canceled&) {
            left = true;
        }
        if (left) co_await both.arrive(never);
    });
    task<> staying = w.spawn([&] { return both.arrive(never); });
    co_await weft::when_all(leaving, staying);
    w.check(both.arrived == 0 && both.phase == 1, "a phase counts everybody once");
}

}  // namespace planted
