// Rate limiters: linearizable with cancellation, time and dispose(); no permit is lost or given twice.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/testing/fake_time_provider.hpp"
#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;

using answer = std::optional<std::string>;

constexpr int limit = 2;
constexpr int queue_limit = 2;

struct subject {
    weft::testing::fake_time_provider clock;
    std::unique_ptr<weft::rate_limiter> limiter;
    std::map<std::size_t, std::vector<weft::rate_limit_lease>> leases;  // of each caller
};

std::int32_t permits_of(const invocation& call) { return 1 + static_cast<std::int32_t>(call.argument); }

std::string outcome(subject& on, const invocation& call, weft::rate_limit_lease lease) {
    if (!lease.is_acquired()) return "refused";
    on.leases[call.caller].push_back(std::move(lease));
    return "granted";
}
task<std::string> limiter_acquire(subject& on, invocation call) {
    try {
        weft::value_task<weft::rate_limit_lease> asking = on.limiter->acquire(permits_of(call), call.token);
        weft::rate_limit_lease lease = co_await std::move(asking);
        co_return outcome(on, call, std::move(lease));
    } catch (const weft::object_disposed&) {
        co_return "disposed";
    }
}
task<std::string> limiter_attempt(subject& on, invocation call) {
    co_await weft::completed_task();
    try {
        co_return outcome(on, call, on.limiter->attempt_acquire(permits_of(call)));
    } catch (const weft::object_disposed&) {
        co_return "disposed";
    }
}
task<std::string> limiter_release(subject& on, invocation call) {
    co_await weft::completed_task();
    std::vector<weft::rate_limit_lease> mine = std::move(on.leases[call.caller]);
    on.leases[call.caller].clear();
    mine.clear();
    co_return "ok";
}
task<std::string> limiter_tick(subject& on, invocation) {
    co_await weft::completed_task();
    on.clock.advance(1s);
    co_return "ok";
}
task<std::string> limiter_dispose(subject& on, invocation) {
    co_await weft::completed_task();
    on.limiter->dispose();
    co_return "ok";
}
task<std::string> limiter_figures(subject& on, invocation) {
    const weft::rate_limiter_statistics now = on.limiter->statistics();
    co_return std::to_string(now.current_available_permits) + " free, " + std::to_string(now.current_queued_count) +
        " waited for, " + std::to_string(now.total_successful_leases) + " granted, " +
        std::to_string(now.total_failed_leases) + " refused";
}

/// Who waits has a ticket of the permits wanted; a negative ticket is refused at once.
struct model {
    int free = limit;
    int queued = 0;
    int granted = 0;
    int refused = 0;
    bool disposed = false;
    std::map<std::size_t, int> held{};  // by each caller, while leases give back
    std::array<int, 2> used{};          // of a sliding window: in this segment, and in the one before

    void begin(invocation& call) {
        const int wanted = permits_of(call);
        if (disposed || (queued == 0 && free >= wanted)) return;
        if (queued + wanted > queue_limit) {
            call.ticket = -1;
            return;
        }
        queued += wanted;
        call.ticket = wanted;
    }
    answer finish(const invocation& call) {
        if (call.ticket < 0) return refuse();
        if (disposed) {
            queued -= static_cast<int>(call.ticket);
            return call.ticket == 0 ? answer("disposed") : refuse();
        }
        if (free < permits_of(call)) return std::nullopt;
        queued -= static_cast<int>(call.ticket);
        return grant(call);
    }
    answer refuse() {
        ++refused;
        return "refused";
    }
    answer grant(const invocation& call) {
        free -= permits_of(call);
        used[0] += permits_of(call);
        held[call.caller] += permits_of(call);
        ++granted;
        return "granted";
    }
    std::string figures() const {
        return std::to_string(free) + " free, " + std::to_string(queued) + " waited for, " + std::to_string(granted) +
            " granted, " + std::to_string(refused) + " refused";
    }
    friend bool operator==(const model&, const model&) = default;
};

scenario<subject, model> limiter_scenario(std::unique_ptr<weft::rate_limiter> (*make)(weft::time_provider&)) {
    scenario<subject, model> made(
        [make] {
            auto on = std::make_shared<subject>();
            on->limiter = make(on->clock);
            return on;
        },
        model{});
    made.operation({.name = "acquire",
        .run = limiter_acquire,
        .step = [](model& now, invocation& call) { return now.finish(call); },
        .arguments = 2,
        .joins = [](model& now, invocation& call) { now.begin(call); },
        .leaves = [](model& now, invocation& call) { now.queued -= static_cast<int>(call.ticket); }});
    made.operation({.name = "attempt",
        .run = limiter_attempt,
        .step = [](model& now, invocation& call) -> answer {
            if (now.disposed) return "disposed";
            if (now.queued != 0 || now.free < permits_of(call)) return now.refuse();
            return now.grant(call);
        },
        .arguments = 2,
        .line = 1,
        .refusal = ""});
    made.operation({.name = "dispose",
        .run = limiter_dispose,
        .step = [](model& now, invocation&) -> answer {
            now.disposed = true;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "figures",
        .run = limiter_figures,
        .step = [](model& now, invocation&) -> answer { return now.figures(); },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"figures"});
}
/// Time passes: one period.
scenario<subject, model> replenished(
    std::unique_ptr<weft::rate_limiter> (*make)(weft::time_provider&), answer (*tick)(model&, invocation&)) {
    scenario<subject, model> made = limiter_scenario(make);
    made.operation({.name = "tick", .run = limiter_tick, .step = tick, .line = 1, .refusal = ""});
    return made;
}

// ---- concurrency

scenario<subject, model> concurrency() {
    scenario<subject, model> made = limiter_scenario([](weft::time_provider& clock) -> std::unique_ptr<weft::rate_limiter> {
        weft::concurrency_limiter_options options;
        options.permit_limit = limit;
        options.queue_limit = queue_limit;
        return std::make_unique<weft::concurrency_limiter>(options, &clock);
    });
    made.operation({.name = "release",
        .run = limiter_release,
        .step = [](model& now, invocation& call) -> answer {
            now.free += std::exchange(now.held[call.caller], 0);
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    return made;
}
[[maybe_unused]] const bool concurrency_added = weft_test::explore_scenario("concurrency_limiter", concurrency,
    {{{"acquire(1)", "release"}, {"acquire(0)", "release"}, {"acquire(0)", "attempt(0)"}},
        {{"acquire(1)", "release"}, {"acquire(1)", "release"}, {"acquire(0)", "dispose"}}});

// ---- those that replenish do so with time, also after dispose()

scenario<subject, model> token_bucket() {
    return replenished(
        [](weft::time_provider& clock) -> std::unique_ptr<weft::rate_limiter> {
            weft::token_bucket_rate_limiter_options options;
            options.token_limit = limit;
            options.tokens_per_period = 1;
            options.replenishment_period = 1s;
            options.queue_limit = queue_limit;
            return std::make_unique<weft::token_bucket_rate_limiter>(options, &clock);
        },
        [](model& now, invocation&) -> answer {
            now.free = std::min(limit, now.free + 1);
            return "ok";
        });
}
[[maybe_unused]] const bool token_bucket_added = weft_test::explore_scenario("token_bucket_rate_limiter", token_bucket,
    {{{"acquire(1)", "acquire(0)"}, {"acquire(0)", "attempt(0)"}, {"tick", "tick"}},
        {{"acquire(1)", "acquire(1)"}, {"tick", "dispose"}, {"acquire(0)", "tick"}}});

// ---- fixed window

scenario<subject, model> fixed_window() {
    return replenished(
        [](weft::time_provider& clock) -> std::unique_ptr<weft::rate_limiter> {
            weft::fixed_window_rate_limiter_options options;
            options.permit_limit = limit;
            options.window = 1s;
            options.queue_limit = queue_limit;
            return std::make_unique<weft::fixed_window_rate_limiter>(options, &clock);
        },
        [](model& now, invocation&) -> answer {
            now.free = limit;
            return "ok";
        });
}
[[maybe_unused]] const bool fixed_window_added = weft_test::explore_scenario("fixed_window_rate_limiter", fixed_window,
    {{{"acquire(1)", "acquire(0)"}, {"acquire(0)", "attempt(0)"}, {"tick", "tick"}},
        {{"acquire(1)", "acquire(1)"}, {"tick", "dispose"}, {"acquire(0)", "tick"}}});

// ---- sliding window, of two segments

scenario<subject, model> sliding_window() {
    return replenished(
        [](weft::time_provider& clock) -> std::unique_ptr<weft::rate_limiter> {
            weft::sliding_window_rate_limiter_options options;
            options.permit_limit = limit;
            options.window = 2s;
            options.segments_per_window = 2;
            options.queue_limit = queue_limit;
            return std::make_unique<weft::sliding_window_rate_limiter>(options, &clock);
        },
        [](model& now, invocation&) -> answer {
            now.free += now.used[1];
            now.used[1] = now.used[0];
            now.used[0] = 0;
            return "ok";
        });
}
[[maybe_unused]] const bool sliding_window_added =
    weft_test::explore_scenario("sliding_window_rate_limiter", sliding_window,
        {{{"acquire(1)", "acquire(0)"}, {"acquire(0)", "tick"}, {"tick", "tick"}},
            {{"acquire(1)", "acquire(1)"}, {"tick", "dispose"}, {"tick", "tick"}}});

// ---- partitions: two keys, each with a limit of its own

struct partitions {
    weft::partitioned_rate_limiter<std::size_t> limiter{[](const std::size_t&) -> std::shared_ptr<weft::rate_limiter> {
        weft::concurrency_limiter_options options;
        options.permit_limit = 1;
        options.queue_limit = 100;
        return std::make_shared<weft::concurrency_limiter>(options);
    }};
    std::map<std::size_t, std::vector<weft::rate_limit_lease>> leases;
};
struct partition_model {
    std::array<int, 2> free{1, 1};
    std::map<std::size_t, std::array<int, 2>> held{};
    bool disposed = false;
    friend bool operator==(const partition_model&, const partition_model&) = default;
};

template <std::size_t Key>
task<std::string> partition_acquire(partitions& on, invocation call) {
    try {
        weft::value_task<weft::rate_limit_lease> asking = on.limiter.acquire(Key, 1, call.token);
        weft::rate_limit_lease lease = co_await std::move(asking);
        if (!lease.is_acquired()) co_return "refused";
        on.leases[call.caller].push_back(std::move(lease));
    } catch (const weft::object_disposed&) {
        co_return "disposed";
    }
    co_return "granted";
}
task<std::string> partition_release(partitions& on, invocation call) {
    co_await weft::completed_task();
    on.leases[call.caller].clear();
    co_return "ok";
}
task<std::string> partition_dispose(partitions& on, invocation) {
    co_await weft::completed_task();
    on.limiter.dispose();
    co_return "ok";
}
/// Waits with ticket 1, so that dispose() refuses it.
template <std::size_t Key>
answer take_of_partition(partition_model& now, invocation& call) {
    if (now.disposed) return call.ticket == 0 ? "disposed" : "refused";
    if (now.free[Key] == 0) return std::nullopt;
    --now.free[Key];
    ++now.held[call.caller][Key];
    return "granted";
}
template <std::size_t Key>
void add_partition(scenario<partitions, partition_model>& made) {
    made.operation({.name = "acquire_" + std::to_string(Key),
        .run = partition_acquire<Key>,
        .step = take_of_partition<Key>,
        .line = static_cast<int>(Key),
        .joins = [](partition_model& now, invocation& call) {
            call.ticket = !now.disposed && now.free[Key] == 0 ? 1 : 0;
        }});
}
scenario<partitions, partition_model> partitioned() {
    scenario<partitions, partition_model> made([] { return std::make_shared<partitions>(); }, partition_model{});
    add_partition<0>(made);
    add_partition<1>(made);
    made.operation({.name = "release",
        .run = partition_release,
        .step = [](partition_model& now, invocation& call) -> answer {
            const std::array<int, 2> back = std::exchange(now.held[call.caller], {});
            for (std::size_t key = 0; key < back.size(); ++key) now.free[key] += back[key];
            return "ok";
        },
        .line = 2,
        .refusal = ""});
    made.operation({.name = "dispose",
        .run = partition_dispose,
        .step = [](partition_model& now, invocation&) -> answer {
            now.disposed = true;
            return "ok";
        },
        .line = 2,
        .refusal = ""});
    return made.at_rest({"dispose"});
}
[[maybe_unused]] const bool partitioned_added = weft_test::explore_scenario("partitioned_rate_limiter", partitioned,
    {{{"acquire_0", "release"}, {"acquire_0", "acquire_1"}, {"acquire_1", "release"}},
        {{"acquire_0", "acquire_1"}, {"acquire_1", "release"}, {"acquire_0", "dispose"}}});

}  // namespace
