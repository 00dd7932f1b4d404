#pragma once
// Planted bugs of channels and of choosing between them.
// SPDX-License-Identifier: MIT

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "explore/planted/plant.hpp"

namespace planted {

// ---- close() wakes the readers and forgets the writer that waits for room

template <bool Fixed>
struct bounded {
    std::deque<int> items;
    bool closed = false;
    std::deque<std::shared_ptr<waiter>> readers;
    std::deque<std::shared_ptr<waiter>> writers;

    static void wake_one(std::deque<std::shared_ptr<waiter>>& line) {
        if (line.empty()) return;
        line.front()->set_result(true);
        line.pop_front();
    }
    static void wake_all(std::deque<std::shared_ptr<waiter>>& line) {
        while (!line.empty()) wake_one(line);
    }
    task<bool> write(int item) {
        while (!closed && !items.empty()) {
            const task<bool> woken = writers.emplace_back(make_waiter())->task();
            co_await woken;
        }
        if (closed) co_return false;
        items.push_back(item);
        wake_one(readers);
        co_return true;
    }
    task<std::optional<int>> read() {
        while (items.empty() && !closed) {
            const task<bool> woken = readers.emplace_back(make_waiter())->task();
            co_await woken;
        }
        if (items.empty()) co_return std::nullopt;
        const int item = items.front();
        items.pop_front();
        wake_one(writers);
        co_return item;
    }
    void close() {
        closed = true;
        wake_all(readers);
        if constexpr (Fixed) wake_all(writers);
    }
};

template <bool Fixed>
task<> close_races_a_blocked_writer(world& w) {
    bounded<Fixed> queue;
    task<> writer = w.spawn([&]() -> task<> {
        for (int item = 1; item <= 3; ++item) co_await queue.write(item);
    });
    task<> reader = w.spawn([&]() -> task<> {
        co_await queue.read();
        co_await w.point();
        queue.close();
    });
    co_await weft::when_all(writer, reader);
}

// ---- two readers see the same item at the head

template <bool Fixed>
struct work_list {
    std::deque<int> items{1, 2};
    std::vector<int> done;

    task<> take_one(world& w) {
        if (items.empty()) co_return;
        const int item = items.front();
        if constexpr (Fixed) items.pop_front();
        co_await w.point();
        done.push_back(item);
        if constexpr (!Fixed) std::erase(items, item);
    }
};

template <bool Fixed>
task<> item_taken_twice(world& w) {
    work_list<Fixed> work;
    task<> first = work.take_one(w);
    task<> second = work.take_one(w);
    co_await weft::when_all(first, second);
    w.check(work.done.size() + work.items.size() == 2 && work.done.front() != work.done.back(), "each item once");
}

// ---- an item handed to a reader that is then found cancelled is thrown away

template <bool Fixed>
struct hand_off {
    struct reading {
        std::shared_ptr<waiter> who = make_waiter();
        int item = 0;
    };
    std::deque<int> items;
    std::deque<std::shared_ptr<reading>> readers;

    void write(int item) {
        while (!readers.empty()) {
            const std::shared_ptr<reading> next = readers.front();
            readers.pop_front();
            next->item = item;
            if (next->who->try_set_result(true)) return;
        }
        items.push_back(item);
    }
    task<int> read(cancellation_token token) {
        const std::shared_ptr<reading> mine = readers.emplace_back(std::make_shared<reading>());
        cancellation_registration stop = token.register_callback([mine] { mine->who->try_set_result(false); });
        const task<bool> woken = mine->who->task();
        if (!co_await woken) throw weft::task_canceled(token);
        if (token.is_cancellation_requested()) {
            if constexpr (Fixed) items.push_front(mine->item);
            throw weft::task_canceled(token);
        }
        co_return mine->item;
    }
};

template <bool Fixed>
task<> item_of_a_cancelled_reader_lost(world& w) {
    hand_off<Fixed> queue;
    const cancellation_token stop = w.cancel_any_time();
    int received = 0;
    task<> reader = w.spawn([&]() -> task<> {
        try {
            received += co_await queue.read(stop);
        } catch (const operation_canceled&) {}
    });
    task<> writer = w.spawn([&] { queue.write(1); });
    co_await weft::when_all(reader, writer);
    w.check(received + static_cast<int>(queue.items.size()) == 1, "received or still there");
}

// ---- select: waits on two queues, both give, and the second item goes with the losing branch

template <bool Fixed>
struct selectable {
    struct reading {
        task_completion_source<int> item{run_async};
        bool decided = false;
    };
    std::deque<int> items;
    std::deque<std::shared_ptr<reading>> readers;

    void write(int item) {
        while (!readers.empty()) {
            const std::shared_ptr<reading> next = readers.front();
            readers.pop_front();
            if (Fixed && std::exchange(next->decided, true)) continue;
            if (next->item.try_set_result(item) || !Fixed) return;
        }
        items.push_back(item);
    }
    static task<int> read_either(selectable& left, selectable& right) {
        const auto mine = std::make_shared<reading>();
        left.readers.push_back(mine);
        right.readers.push_back(mine);
        const task<int> item = mine->item.task();
        const int got = co_await item;
        std::erase(left.readers, mine);
        std::erase(right.readers, mine);
        co_return got;
    }
};

template <bool Fixed>
task<> item_lost_on_the_losing_branch(world& w) {
    selectable<Fixed> left;
    selectable<Fixed> right;
    task<int> reading = selectable<Fixed>::read_either(left, right);
    task<> first = w.spawn([&] { left.write(1); });
    task<> second = w.spawn([&]() -> task<> {
        co_await weft::yield();
        right.write(1);
    });
    const int received = co_await reading;
    co_await weft::when_all(first, second);
    w.check(received + static_cast<int>(left.items.size() + right.items.size()) == 2, "no item is lost");
}

// ---- the latest value: the reader clears the mark after it has read, and with it the mark of a newer value

template <bool Fixed>
struct latest {
    int value = 0;
    bool fresh = false;

    task<int> read(world& w) {
        if constexpr (Fixed) fresh = false;
        const int read = value;
        co_await w.point();
        if constexpr (!Fixed) fresh = false;
        co_return read;
    }
    void write(int next) {
        value = next;
        fresh = true;
    }
};

template <bool Fixed>
task<> newest_value_missed(world& w) {
    latest<Fixed> slot;
    slot.write(1);
    int seen = 0;
    task<> writing = w.spawn([&] { slot.write(2); });
    while (slot.fresh) seen = co_await slot.read(w);
    co_await writing;
    while (slot.fresh) seen = co_await slot.read(w);
    w.check(seen == 2, "the newest value is seen");
}

// ---- a queue that is complete when its count is zero, although a writer has taken a place and not yet filled it

template <bool Fixed>
struct two_step_queue {
    int reserved = 0;
    std::deque<int> items;
    bool closed = false;

    task<bool> write(int item, world& w) {
        if (closed) co_return false;
        ++reserved;
        co_await w.point();
        items.push_back(item);
        --reserved;
        co_return true;
    }
    [[nodiscard]] bool is_drained() const { return closed && items.empty() && (!Fixed || reserved == 0); }
};

template <bool Fixed>
task<> drained_while_a_writer_fills_its_place(world& w) {
    two_step_queue<Fixed> queue;
    int consumed = 0;
    task<bool> writing = w.spawn([&] { return queue.write(1, w); });
    task<> closing = w.spawn([&] { queue.closed = true; });
    while (!queue.is_drained()) {
        consumed += static_cast<int>(queue.items.size());
        queue.items.clear();
        co_await weft::yield();
    }
    const bool accepted = co_await writing;
    co_await closing;
    w.check(consumed == (accepted ? 1 : 0), "what was accepted is consumed");
}

}  // namespace planted
