// The closures that are right with GCC 12: named, captureless with arguments, or capturing nothing that has a destructor.
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

template <class F, class Argument>
task<int> run_with(F f, Argument argument) {
    co_await later();
    co_return f(argument);
}

task<int> named_closure(std::string s) {
    auto size = [s] { return static_cast<int>(s.size()); };
    co_return co_await run(size);
}

task<int> named_task(std::string s) {
    auto started = run([s] { return static_cast<int>(s.size()); });
    co_return co_await started;
}

task<int> by_reference(std::string s) {
    co_return co_await run([&s] { return static_cast<int>(s.size()); });
}

task<int> trivial_capture(int n) {
    co_return co_await run([n] { return n; });
}

task<int> arguments(std::string s) {
    co_return co_await run_with([](const std::string& text) { return static_cast<int>(text.size()); }, s);
}

/// A closure that owns, in an expression of its own inside a coroutine lambda: nothing is awaited beside it.
task<int> inside_a_body(std::string s) {
    auto outer = [&s]() -> task<int> {
        auto started = run([s] { return static_cast<int>(s.size()); });
        co_return co_await started;
    };
    co_return co_await outer();
}

int main() {
    int sum = named_closure(long_text()).get() + named_task(long_text()).get() + by_reference(long_text()).get() +
              trivial_capture(64).get() + arguments(long_text()).get() + inside_a_body(long_text()).get();
    return sum == 6 * 64 ? 0 : 1;
}
