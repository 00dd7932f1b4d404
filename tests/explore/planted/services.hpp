#pragma once
// Planted bugs of what is built from primitives: pools, caches, retries, batches.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "explore/planted/plant.hpp"

namespace planted {

// ---- a pool of one connection

enum class pool_bug : unsigned char { none, gives_to_cancelled, counts_late, looks_before_the_line };

template <pool_bug Bug>
struct pool {
    int idle = 0;
    int open = 0;
    int most_open = 0;
    std::deque<std::shared_ptr<waiter>> line;

    task<> get(cancellation_token token, world& w) {
        if (idle > 0) {
            --idle;
            co_return;
        }
        if (open == 0) {
            if constexpr (Bug != pool_bug::counts_late) ++open;
            co_await w.point();  // connects
            if constexpr (Bug == pool_bug::counts_late) ++open;
            most_open = std::max(most_open, open);
            co_return;
        }
        if constexpr (Bug == pool_bug::looks_before_the_line) co_await w.point();  // resolves the name, say
        const std::shared_ptr<waiter> mine = line.emplace_back(make_waiter());
        cancellation_registration stop = token.register_callback([mine] { mine->try_set_result(false); });
        const task<bool> given = mine->task();
        if (!co_await given) throw weft::task_canceled(token);
    }
    void put_back() {
        while (!line.empty()) {
            const std::shared_ptr<waiter> next = line.front();
            line.pop_front();
            if (next->try_set_result(true) || Bug == pool_bug::gives_to_cancelled) return;
        }
        ++idle;
    }
};

template <pool_bug Bug>
task<> pool_scenario(world& w) {
    pool<Bug> connections;
    const cancellation_token stop = w.cancel_any_time();
    const cancellation_token never;
    const auto request = [&](cancellation_token token) -> task<> {
        try {
            co_await connections.get(token, w);
        } catch (const operation_canceled&) {
            co_return;
        }
        co_await w.point();
        connections.put_back();
    };
    task<> first = request(never);
    task<> second = request(stop);
    task<> third = request(never);
    co_await weft::when_all(first, second, third);
    w.check(connections.most_open <= 1, "no more connections than allowed");
    w.check(connections.idle == connections.open, "every connection is back");
}

template <bool Fixed>
task<> connection_given_to_a_cancelled_request(world& w) {
    return pool_scenario<Fixed ? pool_bug::none : pool_bug::gives_to_cancelled>(w);
}
template <bool Fixed>
task<> connection_opened_beyond_the_limit(world& w) {
    return pool_scenario<Fixed ? pool_bug::none : pool_bug::counts_late>(w);
}
template <bool Fixed>
task<> request_waits_beside_an_idle_connection(world& w) {
    return pool_scenario<Fixed ? pool_bug::none : pool_bug::looks_before_the_line>(w);
}

// ---- a cache that makes the value of a key twice

template <bool Fixed>
struct cache {
    std::map<int, task<int>> flights;
    std::map<int, int> values;
    int created = 0;

    task<int> create(world& w) {
        co_await w.point();
        co_return ++created;
    }
    task<int> get(int key, world& w) {
        if constexpr (Fixed) {
            const auto [found, fresh] = flights.try_emplace(key);
            if (fresh) found->second = create(w);
            const task<int> flight = found->second;
            co_return co_await flight;
        }
        if (const auto found = values.find(key); found != values.end()) co_return found->second;
        const int made = co_await create(w);
        values.emplace(key, made);
        co_return values.at(key);
    }
};

template <bool Fixed>
task<> value_created_twice(world& w) {
    cache<Fixed> users;
    task<int> first = users.get(7, w);
    task<int> second = users.get(7, w);
    co_await weft::when_all(first, second);
    w.check(users.created == 1, "a key is created once");
}

// ---- a retry whose attempt had succeeded when its time was over

template <bool Fixed>
struct client {
    int payments = 0;

    task<> pay() {
        co_await weft::delay(10ms);
        ++payments;
    }
    task<> pay_with_retry() {
        for (int attempt = 0; attempt < 2; ++attempt) {
            task<> paying = pay();
            task<> limited = paying.wait_async(10ms);
            const weft::outcome<> ended = co_await limited.as_outcome();
            if (ended.has_value()) co_return;
            if constexpr (Fixed) {
                // Only what is known not to have happened is done again.
                co_await paying;
                co_return;
            }
        }
    }
};

template <bool Fixed>
task<> retry_after_success(world& w) {
    client<Fixed> shop;
    task<> paying = shop.pay_with_retry();
    co_await paying;
    co_await weft::delay(1s);
    w.check(shop.payments == 1, "one payment");
}

// ---- a batch sent by its size and by its clock at once

template <bool Fixed>
struct batcher {
    std::vector<int> batch;
    std::vector<int> sent;

    task<> flush(world& w) {
        std::vector<int> mine = Fixed ? std::exchange(batch, {}) : batch;
        co_await w.point();
        sent.insert(sent.end(), mine.begin(), mine.end());
        if constexpr (!Fixed) batch.clear();
    }
};

template <bool Fixed>
task<> batch_flushed_by_size_and_by_clock(world& w) {
    batcher<Fixed> log;
    log.batch = {1, 2};
    task<> by_clock = w.spawn([&] { return log.flush(w); });
    task<> by_size = w.spawn([&]() -> task<> {
        log.batch.push_back(3);
        co_await log.flush(w);
    });
    co_await weft::when_all(by_clock, by_size);
    co_await log.flush(w);
    w.check(log.sent.size() == 3, "each entry is sent once");
}

// ---- initialised by the first, used by the second before that is done

template <bool Fixed>
struct component {
    bool started = false;
    bool ready = false;
    task<> starting;

    task<> initialise(world& w) {
        co_await w.point();
        ready = true;
    }
    task<> use(world& w) {
        if constexpr (Fixed) {
            if (!starting.valid()) starting = initialise(w);
            const task<> mine = starting;
            co_await mine;
        } else if (!std::exchange(started, true)) {
            co_await initialise(w);
        }
        w.check(ready, "nobody uses what is not ready");
    }
};

template <bool Fixed>
task<> used_before_it_is_initialised(world& w) {
    component<Fixed> database;
    task<> first = database.use(w);
    task<> second = database.use(w);
    co_await weft::when_all(first, second);
}

// ---- the last user closes an entry that somebody has just found

template <bool Fixed>
struct shared_entry {
    int users = 1;
    bool closed = false;

    task<bool> acquire(world& w) {
        if (closed) co_return false;
        if constexpr (!Fixed) co_await w.point();
        ++users;
        co_return true;
    }
    void release() {
        if (--users == 0) closed = true;
    }
};

template <bool Fixed>
task<> entry_found_while_it_closes(world& w) {
    shared_entry<Fixed> entry;
    task<> user = w.spawn([&]() -> task<> {
        if (!co_await entry.acquire(w)) co_return;
        w.check(!entry.closed, "an entry in use is open");
        entry.release();
    });
    task<> owner = w.spawn([&] { entry.release(); });
    co_await weft::when_all(user, owner);
}

// ---- two refreshes: the older answer comes last and stays

template <bool Fixed>
struct token_store {
    int version = 0;
    int issued = 0;

    task<> refresh(world& w) {
        const int mine = ++issued;
        co_await w.point();  // the answer is on its way
        co_await w.point();
        if (!Fixed || mine > version) version = mine;
    }
};

template <bool Fixed>
task<> older_answer_overwrites_the_newer(world& w) {
    token_store<Fixed> tokens;
    task<> first = tokens.refresh(w);
    task<> second = tokens.refresh(w);
    co_await weft::when_all(first, second);
    w.check(tokens.version == 2, "the newest answer stays");
}

// ---- three steps that must fall between three others: a bug of depth 3

template <bool Fixed>
struct ledger {
    int left = 10;
    int right = 0;

    task<> move_all(world& w) {
        const int amount = left;
        co_await w.point();
        left -= Fixed ? left : amount;
        co_await w.point();
        right += amount;
    }
    task<> audit(world& w, bool& saw_half) {
        const int before = left;
        co_await w.point();
        const int after = right;
        saw_half = before == 10 && after == 10;
    }
};

template <bool Fixed>
task<> audit_between_two_halves(world& w) {
    ledger<Fixed> book;
    bool saw_both = false;
    weft::async_mutex mutex;
    const auto guarded = [&](task<> (*work)(ledger<Fixed>&, world&, bool&)) -> task<> {
        weft::async_mutex::guard guard;
        if constexpr (Fixed) guard = co_await mutex.lock();
        co_await work(book, w, saw_both);
    };
    task<> moving = guarded([](ledger<Fixed>& of, world& in, bool&) { return of.move_all(in); });
    task<> auditing = guarded([](ledger<Fixed>& of, world& in, bool& saw) { return of.audit(in, saw); });
    co_await weft::when_all(moving, auditing);
    w.check(!saw_both, "the money is in one place");
}

}  // namespace planted
