// SPDX-License-Identifier: MIT

#include "explore/scenarios.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>

namespace weft_test {

namespace {

using weft::testing::exploration;
using weft::testing::explore_options;

struct row {
    std::string primitive;
    std::string name;
    explore_options options;
    std::function<weft::task<>(weft::testing::world&)> body;
};

/// One line of JSON for scripts/explore, which names the file. The names are ours: nothing in them needs an escape.
void record(const row& of, const exploration& done, double seconds) {
    const char* path = std::getenv("WEFT_EXPLORE_JSON");
    if (path == nullptr) return;
    std::FILE* file = std::fopen(path, "a");
    if (file == nullptr) return;
    std::fprintf(file,
        "{\"primitive\": \"%s\", \"scenario\": \"%s\", \"schedules\": %zu, \"distinct\": %zu, \"steps\": %llu, "
        "\"exhaustive\": %s, \"exhausted\": %s, \"failures\": %d, \"seconds\": %.3f, \"replay\": \"%s\"}\n",
        of.primitive.c_str(), of.name.c_str(), done.schedules, done.distinct, static_cast<unsigned long long>(done.steps),
        of.options.exhaustive ? "true" : "false", done.exhausted ? "true" : "false", done.ok() ? 0 : 1, seconds,
        done.ok() ? "" : done.failure->replay.c_str());
    std::fclose(file);
}

class exploration_test final : public testing::Test {
public:
    explicit exploration_test(const row& of) : row_(of) {}

private:
    void TestBody() override {
        const std::string command = "weft_explore_tests --gtest_filter='explore_" + row_.primitive + "." + row_.name + "'";
        explore_options options = row_.options;
        options.name = row_.name;
        options.command = command;
        const auto begin = std::chrono::steady_clock::now();
        const exploration done = explore(options, row_.body);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        record(row_, done, took.count());
        EXPECT_TRUE(done.ok()) << done.to_string();
        if (done.ok() && options.exhaustive && std::getenv("WEFT_REPLAY") == nullptr) {
            EXPECT_TRUE(done.exhausted) << done.to_string();
        }
        if (testing::Test::HasFailure() || std::getenv("WEFT_EXPLORE_VERBOSE") == nullptr) return;
        std::printf("%s\n", done.to_string().c_str());
    }

    const row& row_;
};

}  // namespace

bool add_exploration(std::string primitive, std::string name, explore_options options,
    std::function<weft::task<>(weft::testing::world&)> body) {
    // Rows stay where they are: the registered tests point at them.
    static std::deque<row> table;
    const row* const added = &table.emplace_back(row{std::move(primitive), std::move(name), options, std::move(body)});
    testing::RegisterTest(("explore_" + added->primitive).c_str(), added->name.c_str(), nullptr, nullptr, __FILE__,
        __LINE__, [added]() -> testing::Test* { return new exploration_test(*added); });
    return true;
}

}  // namespace weft_test
