// Options, values and lists that are right with GCC 12.
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

#include <string_view>
#include <tuple>

using namespace mini;

struct trivial_options {
    std::string_view name;
    int count = 0;
};

struct built {
    explicit built(std::string text) : text(std::move(text)) {}
    std::string text;
};

struct owning {
    std::string name;
};

task<int> with_trivial(trivial_options o) {
    co_await later();
    co_return static_cast<int>(o.name.size()) + o.count;
}

task<int> with_built(built b) {
    co_await later();
    co_return static_cast<int>(b.text.size());
}

task<int> with_owning(owning o) {
    co_await later();
    co_return static_cast<int>(o.name.size());
}

task<int> sum_of(std::vector<int> values) {
    co_await later();
    co_return static_cast<int>(values.size());
}

struct numbers {
    int first;
    int second;
};

task<int> everything(std::string s, bool c) {
    int sum = co_await with_trivial({.name = "abc", .count = 1});
    sum += co_await with_built(built{s});
    owning named{s};
    sum += co_await with_owning(named);
    std::vector<int> values{1, 2, 3};
    sum += co_await sum_of(values);
    std::tuple<std::string, int> made{co_await text(), 1};
    sum += static_cast<int>(std::get<0>(made).size());
    numbers plain{co_await later(), co_await later()};
    sum += plain.first + plain.second;
    int chosen = c ? 1 : 2;
    sum += co_await with_trivial({.name = c ? std::string_view("a") : std::string_view("b"), .count = chosen});
    const std::string& either = c ? s : named.name;
    sum += co_await with_built(built{either});
    co_return sum;
}

int main() { return everything(long_text(), true).get() == 4 + 64 + 64 + 3 + 64 + 2 + 2 + 64 ? 0 : 1; }
