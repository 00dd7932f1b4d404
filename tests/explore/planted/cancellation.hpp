#pragma once
// Planted bugs of cancellation, disposal and what flows with a task.
// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "explore/planted/plant.hpp"

namespace planted {

// ---- a resource goes while the callback that cancels it is still registered

template <bool Fixed>
task<> dispose_against_cancel(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    std::optional<int> handle = 1;
    bool used_after = false;
    cancellation_registration kill = stop.register_callback([&] { used_after = used_after || !handle.has_value(); });
    co_await w.point();
    if constexpr (Fixed) kill.dispose();
    handle.reset();
    co_await w.point();
    kill.dispose();
    w.check(!used_after, "no callback after the disposal");
}

// ---- the quick way out leaves the registration behind

template <bool Fixed>
struct registered_read {
    bool ready = false;
    std::vector<cancellation_registration> registrations;

    task<> read(cancellation_token token, std::shared_ptr<int> counted) {
        registrations.push_back(token.register_callback([counted] { ++*counted; }));
        if (!ready) {
            co_await weft::yield();
            registrations.pop_back();
            co_return;
        }
        if constexpr (Fixed) registrations.pop_back();
    }
};

template <bool Fixed>
task<> registration_leaked_on_the_quick_way(world& w) {
    registered_read<Fixed> connection;
    cancellation_source stop;
    const auto counted = std::make_shared<int>(0);
    task<> filling = w.spawn([&] { connection.ready = true; });
    const cancellation_token token = stop.token();
    co_await w.point();
    co_await connection.read(token, counted);
    co_await filling;
    w.check(counted.use_count() == 1, "no registration stays");
}

// ---- a token of our own: a callback registered while it is being cancelled is never called

template <bool Fixed>
struct own_token {
    bool canceled = false;
    std::vector<std::shared_ptr<waiter>> waiting;

    task<> canceled_async(world& w) {
        if (canceled) co_return;
        std::shared_ptr<waiter> mine = make_waiter();
        if constexpr (!Fixed) co_await w.point();
        const task<bool> called = mine->task();
        waiting.push_back(std::move(mine));
        co_await called;
    }
    void cancel() {
        canceled = true;
        for (const auto& each : std::exchange(waiting, {})) each->set_result(true);
    }
};

template <bool Fixed>
task<> callback_registered_during_the_cancellation(world& w) {
    own_token<Fixed> token;
    const cancellation_token any_time = w.cancel_any_time();
    const cancellation_registration relay = any_time.register_callback([&] { token.cancel(); });
    co_await w.point();
    co_await token.canceled_async(w);
}

// ---- two that dispose: each sees that it is not yet done

template <bool Fixed>
struct file {
    bool closed = false;
    int closings = 0;

    task<> dispose(world& w) {
        if (closed) co_return;
        if constexpr (Fixed) closed = true;
        co_await w.point();  // flushes
        closed = true;
        ++closings;
    }
};

template <bool Fixed>
task<> disposed_twice(world& w) {
    file<Fixed> log;
    task<> owner = log.dispose(w);
    task<> shutdown = log.dispose(w);
    co_await weft::when_all(owner, shutdown);
    w.check(log.closings == 1, "a file is closed once");
}

// ---- who is served now, in a variable of the process instead of one that flows

template <bool Fixed>
struct ambient_user {
    int plain = 0;
    weft::async_local<int> flowing;

    void set(int user) {
        if constexpr (Fixed) flowing.set(user);
        else plain = user;
    }
    [[nodiscard]] int get() const { return Fixed ? flowing.value_or(0) : plain; }
};

template <bool Fixed>
task<> ambient_value_of_another_request(world& w) {
    ambient_user<Fixed> current;
    const auto serve = [&](int user) -> task<> {
        current.set(user);
        co_await w.point();
        w.check(current.get() == user, "a request sees its own user");
    };
    task<> first = serve(1);
    task<> second = serve(2);
    co_await weft::when_all(first, second);
}

// ---- a lazy value made with the token of the first caller: its cancellation is everybody's

template <bool Fixed>
struct shared_value {
    task<int> making;

    static task<int> make(cancellation_token token, world& w) {
        co_await w.point();
        token.throw_if_cancellation_requested();
        co_return 42;
    }
    task<int> get(cancellation_token token, world& w) {
        const cancellation_token never;
        if (!making.valid() || (Fixed && making.is_canceled())) making = make(Fixed ? never : token, w);
        task<int> result = making.wait_async(token);
        co_return co_await std::move(result);
    }
};

template <bool Fixed>
task<> lazy_value_caches_a_cancellation(world& w) {
    shared_value<Fixed> config;
    const cancellation_token stop = w.cancel_any_time();
    const cancellation_token never;
    task<> leaving = w.spawn([&]() -> task<> {
        try {
            co_await config.get(stop, w);
        } catch (const operation_canceled&) {}
    });
    co_await leaving;
    w.check(co_await config.get(never, w) == 42, "a caller that nobody cancels gets the value");
}

// ---- stop() waits for what runs, and one that had been let in begins after it

template <bool Fixed>
struct service {
    bool stopping = false;
    bool stopped = false;
    int running = 0;

    task<> handle(world& w) {
        if (stopping) co_return;
        if constexpr (Fixed) ++running;
        co_await w.point();
        if constexpr (!Fixed) ++running;
        w.check(!stopped, "nothing runs in a service that has stopped");
        --running;
    }
    task<> stop() {
        stopping = true;
        while (running != 0) co_await weft::yield();
        stopped = true;
    }
};

template <bool Fixed>
task<> request_begins_after_the_stop(world& w) {
    service<Fixed> server;
    task<> request = w.spawn([&] { return server.handle(w); });
    task<> stopping = w.spawn([&] { return server.stop(); });
    co_await weft::when_all(request, stopping);
}

// ---- a timer disposed without waiting for its callback

template <bool Fixed>
struct heartbeat {
    bool closed = false;
    bool beating = false;

    task<> beat(world& w) {
        if (closed) co_return;
        beating = true;
        co_await w.point();
        w.check(!closed, "no beat after the close");
        beating = false;
    }
    task<> close() {
        while (Fixed && beating) co_await weft::yield();
        closed = true;
    }
};

template <bool Fixed>
task<> timer_fires_after_the_close(world& w) {
    heartbeat<Fixed> connection;
    task<> beating = w.spawn([&]() -> task<> {
        co_await weft::delay(10ms);
        co_await connection.beat(w);
    });
    co_await weft::delay(10ms);
    co_await connection.close();
    co_await beating;
}

}  // namespace planted
