// A conditional operator that yields a class, in an awaiting expression: GCC 12 destroys the result twice.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

task<int> length(std::string s) {
    co_await later();
    co_return static_cast<int>(s.size());
}

task<int> of_awaits(bool c) {
    std::string s = c ? co_await text() : co_await text();  // lint: class-conditional
    co_return static_cast<int>(s.size());
}

task<int> in_argument(bool c, std::string s) {
    int size = co_await length(c ? s : "literal");  // lint: class-conditional
    co_return size;
}

task<int> beside(bool c, std::string s) {
    std::string sum = s + (c ? long_text() : s) + co_await text();  // lint: class-conditional
    co_return static_cast<int>(sum.size());
}

int main() {
    int sum = of_awaits(true).get() + in_argument(true, long_text()).get() + beside(true, long_text()).get();
    return sum == 64 + 64 + 192 ? 0 : 1;
}
