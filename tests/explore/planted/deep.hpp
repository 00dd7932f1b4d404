#pragma once
// Planted bugs that need several things in one order, or hide among tasks that do something else.
// SPDX-License-Identifier: MIT

#include <array>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "explore/planted/plant.hpp"

namespace planted {

// ---- a stack without lock: between the look at the top and the exchange, two are popped and the first is pushed again

template <bool Fixed>
struct stack {
    static constexpr int none = -1;
    std::array<int, 3> next{1, 2, none};
    int top = 0;
    int version = 0;

    bool exchange(int seen, int seen_version, int wanted) {
        if (top != seen || (Fixed && version != seen_version)) return false;
        top = wanted;
        ++version;
        return true;
    }
    task<int> pop(world& w) {
        for (;;) {
            const int seen = top;
            const int seen_version = version;
            if (seen == none) co_return none;
            const int after = next[static_cast<std::size_t>(seen)];
            co_await w.point();
            if (exchange(seen, seen_version, after)) co_return seen;
        }
    }
    task<> push(int node, world& w) {
        for (;;) {
            const int seen = top;
            const int seen_version = version;
            next[static_cast<std::size_t>(node)] = seen;
            co_await w.point();
            if (exchange(seen, seen_version, node)) co_return;
        }
    }
};

template <bool Fixed>
task<> aba_of_a_stack(world& w) {
    stack<Fixed> nodes;
    std::array<int, 3> owners{};
    const auto own = [&](int node) {
        if (node >= 0) w.check(++owners[static_cast<std::size_t>(node)] == 1, "a node has one owner");
    };
    task<> slow = w.spawn([&]() -> task<> { own(co_await nodes.pop(w)); });
    task<> busy = w.spawn([&]() -> task<> {
        const int first = co_await nodes.pop(w);
        own(first);
        own(co_await nodes.pop(w));
        if (first < 0) co_return;
        --owners[static_cast<std::size_t>(first)];
        co_await nodes.push(first, w);
    });
    co_await weft::when_all(slow, busy);
    for (int left = nodes.top; left >= 0; left = nodes.next[static_cast<std::size_t>(left)]) own(left);
}

// ---- one line for producers and consumers: the one notification wakes one of the same kind, which waits again

template <bool Fixed>
struct buffer {
    weft::async_mutex mutex;
    weft::async_condition_variable changed;
    int items = 0;

    void tell() {
        if constexpr (Fixed) changed.notify_all();
        else changed.notify_one();
    }
    task<> put() {
        weft::async_mutex::guard guard = co_await mutex.lock();
        while (items == 1) co_await changed.wait(guard);
        ++items;
        tell();
    }
    task<> get() {
        weft::async_mutex::guard guard = co_await mutex.lock();
        while (items == 0) co_await changed.wait(guard);
        --items;
        tell();
    }
};

template <bool Fixed>
task<> notification_wakes_the_wrong_kind(world& w) {
    buffer<Fixed> shelf;
    const auto twice = [&](task<> (buffer<Fixed>::*work)()) -> task<> {
        co_await (shelf.*work)();
        co_await w.point();
        co_await (shelf.*work)();
    };
    task<> first = twice(&buffer<Fixed>::put);
    task<> second = twice(&buffer<Fixed>::get);
    task<> third = twice(&buffer<Fixed>::put);
    task<> fourth = twice(&buffer<Fixed>::get);
    co_await weft::when_all(first, second, third, fourth);
}

// ---- a pool of workers: the last look at the queue comes before the worker is counted among the sleepers

template <bool Fixed>
struct worker_pool {
    int jobs = 0;
    int done = 0;
    bool closed = false;
    std::deque<std::shared_ptr<waiter>> sleepers;

    task<> work(world& w) {
        for (;;) {
            while (jobs != 0) {
                --jobs;
                co_await w.point();
                ++done;
            }
            if (closed) co_return;
            if constexpr (!Fixed) co_await w.point();
            const task<bool> woken = sleepers.emplace_back(make_waiter())->task();
            co_await woken;
        }
    }
    void submit() {
        ++jobs;
        wake();
    }
    void wake() {
        if (sleepers.empty()) return;
        sleepers.front()->set_result(true);
        sleepers.pop_front();
    }
    void close() {
        closed = true;
        while (!sleepers.empty()) wake();
    }
};

template <bool Fixed>
task<> job_beside_sleeping_workers(world& w) {
    worker_pool<Fixed> pool;
    task<> first = w.spawn([&] { return pool.work(w); });
    task<> second = w.spawn([&] { return pool.work(w); });
    for (int i = 0; i < 3; ++i) {
        pool.submit();
        co_await w.point();
    }
    co_await w.settle();
    w.check(pool.jobs == 0, "no job waits while workers sleep");
    pool.close();
    co_await weft::when_all(first, second);
}

// ---- a lost update among four tasks that have nothing to do with it

template <bool Fixed>
task<> update_lost_in_a_crowd(world& w) {
    int total = 0;
    int noise = 0;
    const auto crowd = [&]() -> task<> {
        for (int i = 0; i < 6; ++i) {
            ++noise;
            co_await w.point();
        }
    };
    const auto add = [&](int lead) -> task<> {
        for (int i = 0; i < lead; ++i) co_await w.point();
        const int before = total;
        if constexpr (!Fixed) co_await w.point();
        total = before + 1;
        for (int i = lead; i < 7; ++i) co_await w.point();
    };
    task<> all[] = {crowd(), crowd(), crowd(), crowd(), add(0), add(7)};
    co_await weft::when_all(all);
    w.check(noise == 24 && total == 2, "both updates count");
}

// ---- Peterson's lock for two whose turn is given before the flag is raised

template <bool Fixed>
struct peterson {
    std::array<bool, 2> wants{};
    std::size_t turn = 0;

    task<> enter(std::size_t me, world& w) {
        if constexpr (Fixed) wants[me] = true;
        else turn = 1 - me;
        co_await w.point();
        if constexpr (Fixed) turn = 1 - me;
        else wants[me] = true;
        while (wants[1 - me] && turn == 1 - me) co_await weft::yield();
    }
    void leave(std::size_t me) { wants[me] = false; }
};

template <bool Fixed>
task<> two_inside_petersons_lock(world& w) {
    peterson<Fixed> lock;
    int inside = 0;
    const auto user = [&](std::size_t me) -> task<> {
        co_await lock.enter(me, w);
        w.check(++inside == 1, "one inside");
        co_await w.point();
        --inside;
        lock.leave(me);
    };
    task<> first = user(0);
    task<> second = user(1);
    co_await weft::when_all(first, second);
}

// ---- an election in three rounds: each message overtakes the one before

template <bool Fixed>
task<> three_messages_in_reverse(world& w) {
    std::vector<int> arrived;
    const auto send = [&](int number, int hops) -> task<> {
        for (int i = 0; i < hops; ++i) co_await w.point();
        if constexpr (Fixed)
            while (static_cast<int>(arrived.size()) != number) co_await weft::yield();
        arrived.push_back(number);
    };
    task<> messages[] = {send(0, 1), send(1, 2), send(2, 3), send(3, 4)};
    co_await weft::when_all(messages);
    w.check(arrived.front() != 3 || arrived.back() != 0 || arrived[1] != 2, "messages in reverse");
}

}  // namespace planted
