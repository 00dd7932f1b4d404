// The checker finds each kind of mistake in an object that makes it, keeps quiet about one without, and shows what the tasks saw.
// SPDX-License-Identifier: MIT

#include "weft/testing/linearizability.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "weft/weft.hpp"

namespace {

using weft::task;
using weft::testing::exploration;
using weft::testing::explore;
using weft::testing::explore_options;
using weft::testing::invocation;
using weft::testing::scenario;

enum class mistake { none, forgets_a_wake_up, wakes_the_newest, cancel_eats_a_permit, ignores_cancel, two_enter, leaks };

/// A semaphore of one permit, made of completion sources.
struct gate {
    using source = weft::task_completion_source<bool>;

    explicit gate(mistake with) : wrong(with) {}

    mistake wrong;
    int free = 1;
    std::deque<std::shared_ptr<source>> line;
    weft::cancellation_registration kept;
};

task<std::string> gate_wait(gate& on, invocation call) {
    if (on.free > 0) {
        if (on.wrong == mistake::two_enter) co_await weft::completed_task();
        --on.free;
        co_return "in";
    }
    auto mine = std::make_shared<gate::source>(weft::creation_options::run_continuations_asynchronously);
    on.line.push_back(mine);
    weft::cancellation_registration asked;
    if (on.wrong != mistake::ignores_cancel)
        asked = call.token.register_callback([&on, mine] {
            if (!mine->try_set_result(false)) return;
            if (on.wrong != mistake::cancel_eats_a_permit) std::erase(on.line, mine);
        });
    task<bool> granted = mine->task();
    const bool in = co_await granted;
    if (on.wrong == mistake::leaks) on.kept = std::move(asked);
    if (!in) throw weft::task_canceled(call.token);
    co_return "in";
}
task<std::string> gate_release(gate& on, invocation) {
    co_await weft::completed_task();
    if (on.line.empty()) {
        ++on.free;
        co_return "ok";
    }
    const bool newest = on.wrong == mistake::wakes_the_newest;
    const std::shared_ptr<gate::source> first = newest ? on.line.back() : on.line.front();
    if (newest) on.line.pop_back();
    else on.line.pop_front();
    if (on.wrong == mistake::forgets_a_wake_up && !on.line.empty()) co_return "ok";
    static_cast<void>(first->try_set_result(true));
    co_return "ok";
}

exploration explore_gate(mistake with) {
    scenario<gate, int> made([with] { return std::make_shared<gate>(with); }, 1);
    made.operation({.name = "wait", .run = gate_wait, .step = [](int& free, invocation&) -> std::optional<std::string> {
                        if (free == 0) return std::nullopt;
                        --free;
                        return "in";
                    }});
    made.operation({.name = "release",
        .run = gate_release,
        .step = [](int& free, invocation&) -> std::optional<std::string> {
            ++free;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    explore_options options;
    options.schedules = 5000;
    return explore(options, made.body());
}

TEST(linearizability, is_quiet_about_an_object_without_a_mistake) {
    const exploration done = explore_gate(mistake::none);
    EXPECT_TRUE(done.ok()) << done.to_string();
}

TEST(linearizability, finds_each_mistake_and_shows_what_the_tasks_saw) {
    for (const mistake each :
        {mistake::forgets_a_wake_up, mistake::wakes_the_newest, mistake::cancel_eats_a_permit, mistake::two_enter}) {
        const exploration done = explore_gate(each);
        ASSERT_FALSE(done.ok()) << static_cast<int>(each);
        EXPECT_NE(done.failure->message.find("no order of the calls"), std::string::npos) << done.failure->message;
        EXPECT_NE(done.failure->message.find("\n> "), std::string::npos) << done.failure->message;
        EXPECT_NE(done.failure->message.find("wait() = in"), std::string::npos) << done.failure->message;
    }
}

TEST(linearizability, finds_a_cancellation_without_effect) {
    const exploration done = explore_gate(mistake::ignores_cancel);
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.failure->message.find("cancelled"), std::string::npos) << done.failure->message;
}

TEST(linearizability, finds_a_registration_left_behind) {
    const exploration done = explore_gate(mistake::leaks);
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.failure->message.find("registration"), std::string::npos) << done.failure->message;
}

TEST(linearizability, names_an_operation_that_is_not_there) {
    scenario<int, int> made([] { return std::make_shared<int>(0); }, 0);
    made.calls({{"nothing"}});
    const exploration done = explore({}, made.body());
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.failure->message.find("'nothing'"), std::string::npos) << done.failure->message;
}

}  // namespace
