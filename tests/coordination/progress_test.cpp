// SPDX-License-Identifier: MIT
#include "weft/progress.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/cancellation.hpp"
#include "weft/event_loop_context.hpp"

namespace {

using namespace weft;

TEST(progress, S_1_5_7_posts_to_the_context_of_its_construction_in_order) {
    event_loop_context loop;
    std::vector<int> seen;
    std::unique_ptr<progress<int>> report;
    {
        const synchronization_context_scope scope(&loop);
        report = std::make_unique<progress<int>>([&](int value) {
            EXPECT_EQ(synchronization_context::current(), &loop);
            seen.push_back(value);
        });
    }
    event_loop_context elsewhere;
    const synchronization_context_scope scope(&elsewhere);
    report->report(1);
    report->report(2);
    EXPECT_TRUE(seen.empty()) << "a report never runs inside the call";
    EXPECT_EQ(elsewhere.pending(), 0U);
    report.reset();
    EXPECT_EQ(loop.run_pending(), 2U);
    EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(progress, S_1_5_7_without_a_context_it_posts_to_the_pool) {
    weft_test::manual_dispatcher home;
    int seen = 0;
    progress<int> report([&](int value) { seen += value; });
    const subscription second = report.progress_changed().subscribe([&](int value) { seen += 10 * value; });
    progress_sink<int>& sink = report;
    sink.report(2);
    EXPECT_EQ(seen, 0);
    home.run_all();
    EXPECT_EQ(seen, 22);
}

TEST(progress, S_1_5_7_an_instance_of_exactly_the_base_class_counts_as_no_context) {
    weft_test::manual_dispatcher home;
    synchronization_context base;
    const synchronization_context_scope scope(&base);
    int seen = 0;
    progress<int> report([&](int value) { seen = value; });
    report.report(1);
    EXPECT_EQ(home.run_all(), 1U);
    EXPECT_EQ(seen, 1);
}

class sending_context final : public synchronization_context {
public:
    void post(callback) override { ++posts; }
    void send(callback function) override {
        ++sends;
        function();
    }
    int posts = 0;
    int sends = 0;
};

TEST(progress, S_1_5_6_a_callback_with_a_captured_context_has_been_sent_when_cancel_returns) {
    sending_context context;
    cancellation_source source;
    int calls = 0;
    cancellation_registration registration;
    {
        const synchronization_context_scope scope(&context);
        registration = source.token().register_callback([&] { ++calls; }, true);
    }
    source.cancel();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(context.sends, 1);
    EXPECT_EQ(context.posts, 0);
}

}  // namespace
