// SPDX-License-Identifier: MIT
#include "weft/task_scheduler.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/manual_dispatcher.hpp"
#include "support/manual_scheduler.hpp"
#include "weft/base/error.hpp"
#include "weft/synchronization_context.hpp"

namespace {

using namespace weft;

struct probe : work_item {
    probe()
        : work_item([](work_item& item) noexcept {
              auto& self = static_cast<probe&>(item);
              ++self.runs;
              self.seen = &task_scheduler::current();
          }) {}
    int runs = 0;
    task_scheduler* seen = nullptr;
};

TEST(task_scheduler, S_1_11_1_current_is_the_scheduler_that_runs_the_work) {
    weft_test::manual_scheduler scheduler;
    probe work;
    EXPECT_EQ(&task_scheduler::current(), &task_scheduler::default_scheduler());
    scheduler.queue(work);
    scheduler.run_all();
    EXPECT_EQ(work.seen, &scheduler);
    EXPECT_EQ(&task_scheduler::current(), &task_scheduler::default_scheduler());
}

TEST(task_scheduler, ids_are_positive_and_unique) {
    weft_test::manual_scheduler one;
    weft_test::manual_scheduler two;
    EXPECT_GT(one.id(), 0);
    EXPECT_NE(one.id(), two.id());
    EXPECT_NE(one.id(), task_scheduler::default_scheduler().id());
}

TEST(task_scheduler, the_default_one_queues_to_the_pool_and_runs_inline_only_what_was_not_queued) {
    weft_test::manual_dispatcher home;
    task_scheduler& pool = task_scheduler::default_scheduler();
    probe queued;
    probe inlined;
    pool.queue(queued);
    EXPECT_EQ(queued.runs, 0);
    EXPECT_FALSE(pool.try_execute_inline(queued, true));
    EXPECT_FALSE(pool.try_dequeue(queued));
    EXPECT_TRUE(pool.try_execute_inline(inlined, false));
    home.run_all();
    EXPECT_EQ(queued.runs, 1);
    EXPECT_EQ(inlined.runs, 1);
    EXPECT_EQ(queued.seen, &pool);
}

TEST(task_scheduler, S_1_11_1_inlining_on_the_default_scheduler_hides_the_one_below) {
    struct inlining_item : work_item {
        inlining_item()
            : work_item([](work_item& item) noexcept {
                  task_scheduler::default_scheduler().try_execute_inline(static_cast<inlining_item&>(item).inner, false);
              }) {}
        probe inner;
    } item;
    weft_test::manual_scheduler scheduler;
    scheduler.queue(item);
    scheduler.run_all();
    EXPECT_EQ(item.inner.seen, &task_scheduler::default_scheduler());
}

class queueing_context final : public synchronization_context {
public:
    void post(callback function) override { queue.push_back(std::move(function)); }
    void pump() {
        const synchronization_context_scope scope(this);
        while (!queue.empty()) {
            callback next = std::move(queue.front());
            queue.erase(queue.begin());
            next();
        }
    }
    std::vector<callback> queue;
};

TEST(task_scheduler, S_1_5_5_from_the_current_context_needs_one) {
    EXPECT_THROW(static_cast<void>(task_scheduler::from_current_synchronization_context()), invalid_operation);
}

TEST(task_scheduler, S_1_5_5_from_the_current_context_posts_and_inlines_only_there) {
    queueing_context context;
    std::unique_ptr<task_scheduler> scheduler;
    probe posted;
    probe inlined;
    {
        const synchronization_context_scope scope(&context);
        scheduler = task_scheduler::from_current_synchronization_context();
        EXPECT_TRUE(scheduler->try_execute_inline(inlined, false));
    }
    EXPECT_EQ(scheduler->maximum_concurrency(), 1);
    EXPECT_EQ(inlined.seen, scheduler.get());
    EXPECT_FALSE(scheduler->try_execute_inline(posted, false));
    scheduler->queue(posted);
    EXPECT_EQ(posted.runs, 0);
    context.pump();
    EXPECT_EQ(posted.runs, 1);
    EXPECT_EQ(posted.seen, scheduler.get());
}

}  // namespace
