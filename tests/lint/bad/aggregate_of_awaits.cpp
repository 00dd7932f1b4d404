// An aggregate or array whose members are awaited inside its braces: GCC 12 destroys the members twice.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

#include <array>

using namespace mini;

struct pair_of_texts {
    std::string first;
    std::string second;
};

task<int> aggregate() {
    pair_of_texts both{co_await text(), co_await text()};  // lint: aggregate-of-awaits
    co_return static_cast<int>(both.first.size() + both.second.size());
}

task<int> designated() {
    auto both = pair_of_texts{.first = co_await text(), .second = "y"};  // lint: aggregate-of-awaits
    co_return static_cast<int>(both.first.size() + both.second.size());
}

task<int> array() {
    std::string both[2]{co_await text(), co_await text()};  // lint: aggregate-of-awaits
    co_return static_cast<int>(both[0].size() + both[1].size());
}

task<int> standard_array() {
    std::array<std::string, 2> both{co_await text(), co_await text()};  // lint: aggregate-of-awaits
    co_return static_cast<int>(both[0].size() + both[1].size());
}

int main() {
    int sum = aggregate().get() + designated().get() + array().get() + standard_array().get();
    return sum == 3 * 128 + 65 ? 0 : 1;
}
