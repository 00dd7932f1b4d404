// A braced aggregate with a destructor, made inside the awaiting expression: GCC 12 destroys it twice.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

struct options {
    std::string name;
    int count = 0;
};

struct aggregate_awaiter {
    std::string name;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { parked.push_back(handle); }
    int await_resume() const noexcept { return static_cast<int>(name.size()); }
};

task<int> with_value(options o) {
    co_await later();
    co_return static_cast<int>(o.name.size()) + o.count;
}

task<int> with_reference(const options& o) { co_return static_cast<int>(o.name.size()) + o.count; }

task<int> awaiter() {
    co_return co_await aggregate_awaiter{long_text()};  // lint: aggregate-temporary
}

task<int> argument() {
    int size = co_await with_value(options{long_text(), 1});  // lint: aggregate-temporary
    co_return size;
}

task<int> designated() {
    int size = co_await with_value({.name = long_text(), .count = 1});  // lint: aggregate-temporary
    co_return size;
}

task<int> reference() {
    int size = co_await with_reference(options{.name = long_text(), .count = 1});  // lint: aggregate-temporary
    co_return size;
}

int main() {
    int sum = awaiter().get() + argument().get() + designated().get() + reference().get();
    return sum == 4 * 64 + 3 ? 0 : 1;
}
