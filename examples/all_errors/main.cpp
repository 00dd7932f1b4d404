// co_await of a when_all throws the first error only. Three ways to see them all: ask the task, block on it for an
// aggregate_exception, or ask each task for its outcome. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

weft::task<int> fetch(std::string server, bool is_down) {
    co_await weft::delay(2ms);
    if (is_down) throw std::runtime_error(server + " is down");
    co_return 1;
}

std::vector<weft::task<int>> fetch_all() {
    std::vector<weft::task<int>> all;
    all.push_back(fetch("alpha", true));
    all.push_back(fetch("beta", false));
    all.push_back(fetch("gamma", true));
    return all;
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& each) {
        return each.what();
    }
}

names texts_of(const weft::aggregate_exception& errors) {
    names texts;
    for (const std::exception_ptr& each : errors.inner_exceptions()) texts.push_back(text_of(each));
    std::ranges::sort(texts);  // they come in the order in which the tasks failed
    return texts;
}

// A plain await: everything has ended, but the exception is that of the task that failed first.
weft::task<names> by_awaiting() {
    names texts;
    try {
        static_cast<void>(co_await weft::when_all(fetch_all()));
    } catch (const std::runtime_error& error) {
        texts.push_back(error.what());
    }
    co_return texts;
}

// Keep the combined task: it has every error.
weft::task<names> by_asking_the_task() {
    const weft::task<std::vector<int>> all = weft::when_all(fetch_all());
    const auto how = co_await all.as_outcome();
    if (how.has_value()) co_return names();
    co_return texts_of(*all.exception());
}

// Keep the tasks: each outcome is a value or an error, so what worked is not lost either.
weft::task<names> by_asking_each() {
    const std::vector<weft::task<int>> all = fetch_all();
    names texts;
    for (const weft::task<int>& each : all) {
        const auto how = co_await each.as_outcome();
        texts.push_back(how ? "got " + std::to_string(how.value()) : text_of(how.error()));
    }
    co_return texts;
}

// Outside of coroutines: wait() throws all of them in one.
names by_blocking() {
    try {
        weft::when_all(fetch_all()).wait();
    } catch (const weft::aggregate_exception& errors) {
        return texts_of(errors);
    }
    return {};
}

bool print(const char* how, const names& seen, const names& expected) {
    std::printf("%s:", how);
    for (const std::string& each : seen) std::printf(" '%s'", each.c_str());
    std::printf("\n");
    return seen == expected;
}

}  // namespace

int main() {
    const names both{"alpha is down", "gamma is down"};
    const names first = weft::block_on(by_awaiting());
    bool right = print("co_await", first, {first == names{both[0]} ? both[0] : both[1]});
    right = print("exception()", weft::block_on(by_asking_the_task()), both) && right;
    right = print("as_outcome()", weft::block_on(by_asking_each()), {"alpha is down", "got 1", "gamma is down"}) && right;
    right = print("wait()", by_blocking(), both) && right;
    return right ? 0 : 1;
}
