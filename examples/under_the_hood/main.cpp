// What the compiler makes of a coroutine: the same function once with co_await and once as the state machine that stands for it,
// written by hand with a completion source and awaiters. Both are driven alike and must leave the same trace. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using trace = std::vector<std::string>;

// ---- as one writes it

weft::task<int> sum(trace& steps, weft::task<int> first, weft::task<int> second) {
    steps.push_back("begin");
    const int a = co_await first;
    steps.push_back("first: " + std::to_string(a));
    const int b = co_await second;
    steps.push_back("second: " + std::to_string(b));
    co_return a + b;
}

// ---- what it becomes: parameters and locals are members, each await is a state, and the promise is a completion source

class sum_machine : public std::enable_shared_from_this<sum_machine> {
public:
    sum_machine(trace& steps, weft::task<int> first, weft::task<int> second)
        : steps_(steps), first_(std::move(first)), second_(std::move(second)) {}

    weft::task<int> start() {
        move_next();  // hot: the body runs on the caller's thread up to the first await of something incomplete
        return promise_.task();
    }

private:
    enum class state { beginning, after_first, after_second };

    void move_next() {
        try {
            switch (state_) {
                case state::beginning:
                    steps_.push_back("begin");
                    if (suspends_until(first_, state::after_first)) return;
                    [[fallthrough]];
                case state::after_first:
                    a_ = first_.get_awaiter().get_result();
                    steps_.push_back("first: " + std::to_string(a_));
                    if (suspends_until(second_, state::after_second)) return;
                    [[fallthrough]];
                case state::after_second: {
                    const int b = second_.get_awaiter().get_result();
                    steps_.push_back("second: " + std::to_string(b));
                    promise_.set_result(a_ + b);
                }
            }
        } catch (...) {
            promise_.set_exception(std::current_exception());
        }
    }
    // await_ready and await_suspend. What is complete already is not waited for: no suspension, no queue.
    bool suspends_until(const weft::task<int>& awaited, state next) {
        state_ = next;
        const weft::task_awaiter<int> awaiter = awaited.get_awaiter();
        if (awaiter.is_completed()) return false;
        awaiter.on_completed([self = shared_from_this()] { self->move_next(); });
        return true;
    }

    trace& steps_;
    weft::task<int> first_;
    weft::task<int> second_;
    state state_ = state::beginning;
    int a_ = 0;
    weft::task_completion_source<int> promise_;
};

weft::task<int> sum_by_hand(trace& steps, weft::task<int> first, weft::task<int> second) {
    return std::make_shared<sum_machine>(steps, std::move(first), std::move(second))->start();
}

// ---- the same drive for both, in a loop of its own so that the order is always the same

using function = weft::task<int> (*)(trace&, weft::task<int>, weft::task<int>);

trace drive(function called, bool first_is_there, bool second_fails) {
    trace steps;
    weft::event_loop_context loop;
    weft::task_completion_source<int> first(weft::creation_options::run_continuations_asynchronously);
    weft::task_completion_source<int> second(weft::creation_options::run_continuations_asynchronously);
    if (first_is_there) first.set_result(3);
    weft::task<int> running;
    {
        const weft::synchronization_context_scope scope(&loop);
        running = called(steps, first.task(), second.task());
    }
    steps.push_back("the caller has the task");
    loop.post([&] {
        if (!first_is_there) first.set_result(3);
        steps.push_back("the caller completed the first");
    });
    loop.post([&] {
        if (second_fails) second.set_exception(std::make_exception_ptr(std::runtime_error("no second")));
        else second.set_result(4);
        steps.push_back("the caller completed the second");
    });
    try {
        steps.push_back("result: " + std::to_string(loop.run_until(running)));
    } catch (const std::runtime_error& error) {
        steps.push_back(std::string("failed: ") + error.what());
    }
    return steps;
}

bool compare(const char* title, bool first_is_there, bool second_fails, const char* last) {
    const trace coroutine = drive(sum, first_is_there, second_fails);
    const trace machine = drive(sum_by_hand, first_is_there, second_fails);
    std::printf("%s\n  %-34s by hand\n", title, "coroutine");
    for (std::size_t i = 0; i < coroutine.size() || i < machine.size(); ++i)
        std::printf("  %-34s %s\n", i < coroutine.size() ? coroutine[i].c_str() : "-",
            i < machine.size() ? machine[i].c_str() : "-");
    return coroutine == machine && coroutine.back() == last;
}

}  // namespace

int main() {
    const bool suspends = compare("both awaits suspend", false, false, "result: 7");
    const bool goes_on = compare("the first value is there", true, false, "result: 7");
    const bool fails = compare("the second fails", false, true, "failed: no second");
    std::printf(suspends && goes_on && fails ? "the traces are the same\n" : "THE TRACES DIFFER\n");
    return suspends && goes_on && fails ? 0 : 1;
}
