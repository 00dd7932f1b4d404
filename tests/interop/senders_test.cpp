// SPDX-License-Identifier: MIT
#include "weft/senders.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "support/manual_dispatcher.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;
using senders::set_error_t;
using senders::set_stopped_t;
using senders::set_value_t;

/// A sender that completes inside start(), as `complete` says.
template <class Signatures, class Complete>
class immediate_sender {
public:
    using sender_concept = senders::sender_t;
    using completion_signatures = Signatures;

    explicit immediate_sender(Complete complete) : complete_(std::move(complete)) {}

    template <senders::receiver R>
    class state {
    public:
        using operation_state_concept = senders::operation_state_t;
        state(Complete complete, R target) : complete_(std::move(complete)), target_(std::move(target)) {}
        state(state&&) = delete;
        void start() noexcept { complete_(std::move(target_)); }

    private:
        Complete complete_;
        R target_;
    };
    template <senders::receiver R>
    state<R> connect(R target) {
        return state<R>(std::move(complete_), std::move(target));
    }

private:
    Complete complete_;
};
template <class Signatures, class Complete>
auto sends(Complete complete) {
    return immediate_sender<Signatures, Complete>(std::move(complete));
}

class senders_test : public ::testing::Test {
protected:
    weft_test::manual_dispatcher home;
};

TEST_F(senders_test, awaiting_a_sender_gives_its_value_nothing_or_a_tuple) {
    task<int> one = from_sender(
        sends<senders::completion_signatures<set_value_t(int), set_stopped_t()>>([](auto target) { target.set_value(5); }));
    EXPECT_EQ(one.get(), 5);
    task<> none =
        from_sender(sends<senders::completion_signatures<set_value_t()>>([](auto target) { target.set_value(); }));
    EXPECT_NO_THROW(none.get());
    task<std::tuple<int, std::string>> several =
        from_sender(sends<senders::completion_signatures<set_value_t(int, std::string)>>(
            [](auto target) { target.set_value(1, std::string("a")); }));
    EXPECT_EQ(several.get(), (std::tuple<int, std::string>(1, "a")));
}

TEST_F(senders_test, set_error_throws_and_set_stopped_cancels) {
    using failing =
        senders::completion_signatures<set_value_t(), set_error_t(std::exception_ptr), set_error_t(std::error_code)>;
    task<> threw = from_sender(sends<failing>(
        [](auto target) { target.set_error(std::make_exception_ptr(std::runtime_error("of the sender"))); }));
    EXPECT_THROW(threw.get(), std::runtime_error);
    task<> code =
        from_sender(sends<failing>([](auto target) { target.set_error(std::make_error_code(std::errc::io_error)); }));
    EXPECT_THROW(code.get(), std::system_error);
    task<> stopped = from_sender(sends<failing>([](auto target) { target.set_stopped(); }));
    home.run_all();
    EXPECT_TRUE(stopped.is_canceled());
}

TEST_F(senders_test, the_awaiter_comes_back_to_its_context_and_not_inside_set_value) {
    event_loop_context loop;
    std::string log;
    const auto awaits = [](std::string& into) -> task<> {
        auto source = sends<senders::completion_signatures<set_value_t()>>([&into](auto target) {
            target.set_value();
            into += "set ";
        });
        co_await from_sender(std::move(source));
        into += "resumed";
    };
    task<> waited;
    {
        const synchronization_context_scope scope(&loop);
        waited = awaits(log);
    }
    EXPECT_EQ(log, "set ");
    loop.run_until(waited);
    EXPECT_EQ(log, "set resumed");
}

struct recording {
    std::string log;
};
struct recording_receiver {
    using receiver_concept = senders::receiver_t;
    explicit recording_receiver(recording& target) : into(&target) {}
    void set_value() noexcept { into->log += "value"; }
    void set_value(int value) noexcept { into->log += "value " + std::to_string(value); }
    void set_value(std::unique_ptr<int> value) noexcept { into->log += "pointer to " + std::to_string(*value); }
    void set_error(const std::exception_ptr& error) noexcept { into->log += "error " + message_of(error); }
    void set_stopped() noexcept { into->log += "stopped"; }
    recording* into;
};

TEST_F(senders_test, a_task_completes_its_receiver_as_it_ends) {
    recording seen;
    task_completion_source<int> source;
    auto later = as_sender(source.task()).connect(recording_receiver(seen));
    later.start();
    EXPECT_EQ(seen.log, "");
    source.set_result(3);
    home.run_all();
    EXPECT_EQ(seen.log, "value 3");

    recording failed;
    auto error = as_sender(from_exception(std::runtime_error("of the task"))).connect(recording_receiver(failed));
    error.start();
    EXPECT_EQ(failed.log, "error of the task");

    recording stopped;
    cancellation_source cancellation;
    cancellation.cancel();
    auto canceled = as_sender(from_canceled(cancellation.token())).connect(recording_receiver(stopped));
    canceled.start();
    EXPECT_EQ(stopped.log, "stopped");

    recording moved;
    auto pointer = as_sender(from_result(std::make_unique<int>(8))).connect(recording_receiver(moved));
    pointer.start();
    EXPECT_EQ(moved.log, "pointer to 8");
    EXPECT_THROW(static_cast<void>(as_sender(task<>())), invalid_operation);
}

struct stoppable_receiver : recording_receiver {
    struct environment {
        [[nodiscard]] std::stop_token query(senders::get_stop_token_t) const noexcept { return stop; }
        std::stop_token stop;
    };
    stoppable_receiver(recording& target, std::stop_token stopped_by)
        : recording_receiver(target), stop(std::move(stopped_by)) {}
    [[nodiscard]] environment get_env() const noexcept { return {stop}; }
    std::stop_token stop;
};

TEST_F(senders_test, a_receiver_that_asks_to_stop_is_stopped_and_the_task_goes_on) {
    recording seen;
    std::stop_source stop;
    task_completion_source<int> source;
    auto waiting = as_sender(source.task()).connect(stoppable_receiver(seen, stop.get_token()));
    waiting.start();
    stop.request_stop();
    home.run_all();
    EXPECT_EQ(seen.log, "stopped");
    source.set_result(3);
    home.run_all();
    EXPECT_EQ(seen.log, "stopped");

    recording in_time;
    std::stop_source later;
    task_completion_source<int> other;
    auto completed = as_sender(other.task()).connect(stoppable_receiver(in_time, later.get_token()));
    completed.start();
    other.set_result(4);
    home.run_all();
    later.request_stop();
    EXPECT_EQ(in_time.log, "value 4");
}

TEST_F(senders_test, a_token_asks_the_awaited_sender_to_stop) {
    cancellation_source cancellation;
    task_completion_source<int> source;
    task<int> waiting = from_sender(as_sender(source.task()), cancellation.token());
    EXPECT_FALSE(waiting.is_completed());
    cancellation.cancel();
    home.run_all();
    ASSERT_TRUE(waiting.is_canceled());
    try {
        waiting.get();
        FAIL() << "get() must throw";
    } catch (const task_canceled& error) {
        EXPECT_EQ(error.token(), cancellation.token());
    }
    task<int> in_time = from_sender(as_sender(from_result(2)), cancellation.token());
    EXPECT_EQ(in_time.get(), 2);
}

TEST_F(senders_test, a_task_survives_the_round_trip) {
    task<int> there = from_sender(as_sender(from_result(6)));
    EXPECT_EQ(there.get(), 6);
    task<> nothing = from_sender(as_sender(completed_task()));
    EXPECT_NO_THROW(nothing.get());
    static_assert(senders::sender_to<senders::task_sender<int>, recording_receiver>);
}

}  // namespace
