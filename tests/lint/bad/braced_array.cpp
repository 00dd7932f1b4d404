// A braced list that needs an array, in an awaiting expression: GCC 12 refuses it ("array used as initializer").
// gcc12: refuses
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

#include <initializer_list>

using namespace mini;

task<int> sum_of(std::vector<int> values) {
    co_await later();
    co_return static_cast<int>(values.size());
}

task<int> names(std::vector<std::string> values) {
    co_await later();
    co_return static_cast<int>(values.size());
}

task<int> list_argument() {
    co_return co_await sum_of({1, 2, 3});  // lint: braced-array
}

task<int> list_of_texts() {
    co_return co_await names({"a", "b"});  // lint: braced-array
}

task<int> braced_vector() {
    co_return co_await sum_of(std::vector{1, 2, 3});  // lint: braced-array
}

task<int> of_awaits() {
    std::vector<std::string> both{co_await text(), co_await text()};  // lint: braced-array
    co_return static_cast<int>(both.size());
}

int main() {
    int sum = list_argument().get() + list_of_texts().get() + braced_vector().get() + of_awaits().get();
    return sum == 3 + 2 + 3 + 2 ? 0 : 1;
}
