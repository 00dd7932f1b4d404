// Limiters in a row, and one for each key (semantics 1.22/12-15).
// SPDX-License-Identifier: MIT

#include "weft/partitioned_rate_limiter.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/rate_limiters.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::fake_time_provider;
using weft_test::manual_dispatcher;

/// Writes down what it is asked, and what comes back.
class noting_limiter final : public rate_limiter {
public:
    noting_limiter(std::string name, std::string& trace, bool grants)
        : name_(std::move(name)), trace_(trace), grants_(grants) {}
    rate_limiter_statistics statistics() override { return numbers; }
    std::optional<std::chrono::nanoseconds> idle_duration() override { return idle; }
    void dispose() noexcept override { trace_ += name_ + ":disposed "; }

    rate_limiter_statistics numbers;
    std::optional<std::chrono::nanoseconds> idle = 1s;

protected:
    rate_limit_lease attempt_acquire_core(std::int32_t permits) override {
        trace_ += name_ + std::to_string(permits) + " ";
        if (!grants_) return rate_limit_lease::refused("full", 7s);
        return rate_limit_lease::acquired([this] { trace_ += name_ + "-back "; });
    }
    value_task<rate_limit_lease> acquire_core(std::int32_t permits, cancellation_token) override {
        return value_task<rate_limit_lease>(attempt_acquire_core(permits));
    }

private:
    std::string name_;
    std::string& trace_;
    bool grants_;
};

TEST(chained_rate_limiter, S_1_22_13_asks_from_left_to_right_and_gives_back_together) {
    manual_dispatcher home;
    std::string trace;
    const auto a = std::make_shared<noting_limiter>("a", trace, true);
    const auto b = std::make_shared<noting_limiter>("b", trace, true);
    const std::unique_ptr<rate_limiter> both = chained(a, b);
    {
        const rate_limit_lease lease = both->attempt_acquire(2);
        EXPECT_TRUE(lease.is_acquired());
        EXPECT_EQ(trace, "a2 b2 ");
    }
    EXPECT_EQ(trace, "a2 b2 b-back a-back ");
    trace.clear();
    rate_limit_lease lease = both->acquire(1).get();
    EXPECT_TRUE(lease.is_acquired());
    lease.dispose();
    lease.dispose();
    EXPECT_EQ(trace, "a1 b1 b-back a-back ");
}

TEST(chained_rate_limiter, S_1_22_13_the_first_refusal_is_the_answer_and_earlier_leases_go_back) {
    manual_dispatcher home;
    std::string trace;
    const auto a = std::make_shared<noting_limiter>("a", trace, true);
    const auto b = std::make_shared<noting_limiter>("b", trace, false);
    const auto c = std::make_shared<noting_limiter>("c", trace, true);
    const std::unique_ptr<rate_limiter> all = chained(a, b, c);
    const rate_limit_lease refused = all->attempt_acquire();
    EXPECT_FALSE(refused.is_acquired());
    EXPECT_EQ(refused.retry_after(), 7s);
    EXPECT_EQ(trace, "a1 b1 a-back ");
    trace.clear();
    const rate_limit_lease later = all->acquire().get();
    EXPECT_EQ(later.reason_phrase(), "full");
    EXPECT_EQ(trace, "a1 b1 a-back ");
    all->dispose();
    EXPECT_THROW(static_cast<void>(all->attempt_acquire()), object_disposed);
    EXPECT_EQ(trace, "a1 b1 a-back ") << "the limiters in the row go on";
    EXPECT_THROW(static_cast<void>(chained(std::vector<std::shared_ptr<rate_limiter>>())), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(chained(nullptr)), std::invalid_argument);
}

TEST(chained_rate_limiter, S_1_22_13_waiting_for_a_later_one_keeps_the_earlier_ones_and_cancelling_gives_them_back) {
    manual_dispatcher home;
    const auto wide = std::make_shared<concurrency_limiter>(concurrency_limiter_options{.permit_limit = 5});
    const auto narrow =
        std::make_shared<concurrency_limiter>(concurrency_limiter_options{.permit_limit = 1, .queue_limit = 5});
    const std::unique_ptr<rate_limiter> both = chained(wide, narrow);
    const rate_limit_lease first = both->attempt_acquire();
    cancellation_source source;
    const task<rate_limit_lease> waiting = both->acquire(1, source.token()).as_task();
    EXPECT_EQ(wide->statistics().current_available_permits, 3);
    source.cancel();
    home.run_all();
    EXPECT_TRUE(waiting.is_canceled());
    EXPECT_EQ(wide->statistics().current_available_permits, 4);
    EXPECT_THROW(static_cast<void>(both->attempt_acquire(2)), std::invalid_argument);
    EXPECT_EQ(wide->statistics().current_available_permits, 4);
}

TEST(chained_rate_limiter, S_1_22_15_statistics_are_those_of_the_row) {
    manual_dispatcher home;
    std::string trace;
    const auto a = std::make_shared<noting_limiter>("a", trace, true);
    const auto b = std::make_shared<noting_limiter>("b", trace, true);
    a->numbers = {5, 1, 10, 3};
    b->numbers = {2, 4, 7, 5};
    const std::unique_ptr<rate_limiter> both = chained(a, b);
    const rate_limiter_statistics sum = both->statistics();
    EXPECT_EQ(sum.current_available_permits, 2);
    EXPECT_EQ(sum.current_queued_count, 5);
    EXPECT_EQ(sum.total_successful_leases, 7);
    EXPECT_EQ(sum.total_failed_leases, 8);
    b->idle = 500ms;
    EXPECT_EQ(both->idle_duration(), 500ms);
    a->idle = std::nullopt;
    EXPECT_EQ(both->idle_duration(), std::nullopt);
}

struct per_user {
    per_user()
        : limiter(
              [this](const std::string& user) -> std::shared_ptr<rate_limiter> {
                  made.push_back(user);
                  if (user == "root") return nullptr;
                  if (user == "bad") throw std::runtime_error("no such user");
                  return std::make_shared<concurrency_limiter>(
                      concurrency_limiter_options{.permit_limit = 1, .queue_limit = 1}, &clock);
              },
              &clock) {}
    manual_dispatcher home;
    fake_time_provider clock;
    std::vector<std::string> made;
    partitioned_rate_limiter<std::string> limiter;
};

TEST(partitioned_rate_limiter, S_1_22_14_a_key_has_one_limiter_that_is_made_once) {
    per_user users;
    const rate_limit_lease ada = users.limiter.attempt_acquire("ada");
    EXPECT_TRUE(ada.is_acquired());
    EXPECT_FALSE(users.limiter.attempt_acquire("ada").is_acquired());
    const rate_limit_lease bob = users.limiter.acquire("bob").get();
    EXPECT_TRUE(bob.is_acquired());
    EXPECT_EQ(users.limiter.statistics("ada")->total_failed_leases, 1);
    EXPECT_EQ(users.made, (std::vector<std::string>{"ada", "bob"}));
    EXPECT_EQ(users.limiter.partition_count(), 2U);
}

TEST(partitioned_rate_limiter, S_1_22_14_a_factory_that_throws_is_asked_again) {
    per_user users;
    EXPECT_THROW(static_cast<void>(users.limiter.attempt_acquire("bad")), std::runtime_error);
    EXPECT_THROW(static_cast<void>(users.limiter.acquire("bad")), std::runtime_error);
    EXPECT_EQ(users.made.size(), 2U);
    users.clock.advance(30s);
    EXPECT_EQ(users.limiter.partition_count(), 0U);
}

TEST(partitioned_rate_limiter, S_1_22_14_a_null_limiter_is_no_limit) {
    per_user users;
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(users.limiter.attempt_acquire("root", 1000).is_acquired());
    EXPECT_TRUE(users.limiter.acquire("root", 7).get().is_acquired());
    cancellation_source source;
    source.cancel();
    EXPECT_TRUE(users.limiter.acquire("root", 1, source.token()).as_task().is_canceled());
    EXPECT_FALSE(users.limiter.statistics("root").has_value());
    EXPECT_EQ(users.made.size(), 1U);
}

TEST(partitioned_rate_limiter, S_1_22_12_partitions_that_are_idle_for_ten_seconds_go) {
    per_user users;
    std::optional<rate_limit_lease> ada = users.limiter.attempt_acquire("ada");
    static_cast<void>(users.limiter.attempt_acquire("bob"));
    static_cast<void>(users.limiter.attempt_acquire("root"));
    users.clock.advance(9s);
    EXPECT_EQ(users.limiter.partition_count(), 3U);
    users.clock.advance(2s);
    EXPECT_EQ(users.limiter.partition_count(), 1U) << "one permit of ada's is out";
    static_cast<void>(users.limiter.attempt_acquire("bob"));
    EXPECT_EQ(users.made, (std::vector<std::string>{"ada", "bob", "root", "bob"}));
    ada.reset();
    users.clock.advance(12s);
    EXPECT_EQ(users.limiter.partition_count(), 0U);
    EXPECT_EQ(users.clock.pending_timers(), 0U) << "nothing is swept when there is nothing";
    static_cast<void>(users.limiter.attempt_acquire("ada"));
    users.clock.advance(12s);
    EXPECT_EQ(users.limiter.partition_count(), 0U);
}

TEST(partitioned_rate_limiter, S_1_22_12_a_partition_that_is_waited_for_stays) {
    per_user users;
    rate_limit_lease one = users.limiter.attempt_acquire("ada");
    const task<rate_limit_lease> waiting = users.limiter.acquire("ada").as_task();
    users.clock.advance(1min);
    EXPECT_EQ(users.limiter.partition_count(), 1U);
    one.dispose();
    users.home.run_all();
    EXPECT_TRUE(waiting.get().is_acquired());
}

TEST(partitioned_rate_limiter, S_1_22_8_dispose_refuses_the_waiters_of_every_key) {
    per_user users;
    const rate_limit_lease one = users.limiter.attempt_acquire("ada");
    const task<rate_limit_lease> waiting = users.limiter.acquire("ada").as_task();
    users.limiter.dispose();
    users.home.run_all();
    EXPECT_FALSE(waiting.get().is_acquired());
    EXPECT_THROW(static_cast<void>(users.limiter.attempt_acquire("ada")), object_disposed);
    users.limiter.dispose();
}

}  // namespace
