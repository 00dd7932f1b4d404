// tests/conformance/cancel_race_stress_test.cpp: cancel against completion on the kernel, for every kind of operation: one outcome,
// nothing lost, nothing left open. WEFT_RACES: how often (scripts/faults --races).
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "attempt.hpp"
#include "fault_subjects.hpp"
#include "support/scale.hpp"
#include "weft/run.hpp"
#include "weft/when_all.hpp"

namespace weft_test {

using namespace weft;

namespace {

/// A little while, another one each time.
void idle(std::size_t turns) {
    for (std::size_t i = 0; i < turns; ++i) asm volatile("" ::: "memory");
}

struct tally {
    long races = 0;
    long cancelled = 0;
    long wrong = 0;    ///< neither right nor cancelled
    long doubled = 0;  ///< answered more than once

    tally& operator+=(const tally& other) {
        races += other.races;
        cancelled += other.cancelled;
        wrong += other.wrong;
        doubled += other.doubled;
        return *this;
    }
};

/// The record is submitted here and cancelled on another worker: about the time it starts or, `then`, about the time it is answered.
task<> race_once(stage& on, const subject_kind& kind, bool then, std::size_t pause, tally& into) {
    const std::unique_ptr<subject> about = kind.make();
    co_await about->prepare(on);
    attempt record(on, kind.kind, *about);
    std::atomic<bool> submitted{!then};
    task<> stopping = run([&record, &submitted, pause] {
        while (!submitted.load(std::memory_order_relaxed)) std::this_thread::yield();
        idle(pause);
        record.cancel();
    });
    if (!then) idle(pause);
    record.submit();
    submitted = true;
    co_await about->let_go(on);
    const int result = co_await record.answer();
    co_await stopping;
    ++into.races;
    if (result == -ECANCELED) ++into.cancelled;
    else if (!about->is_right(result, kind.moves)) ++into.wrong;
    if (record.answers() != 1) ++into.doubled;
    co_await about->clean(on, result);
}

task<> in_turn(stage& on, const subject_kind& kind, unsigned seed, int count, tally& into) {
    std::mt19937 random(seed);
    for (int i = 0; i < count; ++i) co_await race_once(on, kind, random() % 4 != 0, random() % 20'000, into);
}

/// Some chains at a time, so that a worker finds another race to go on with where one waits. What they leave in the folder goes now
/// and then: a folder of a million names would be all that is measured.
task<> races(stage& on, const subject_kind& kind, int count, tally& into) {
    constexpr int chains = 8;
    constexpr int most_in_turn = 250;
    unsigned seed = 7;
    for (int left = count; left > 0;) {
        std::array<tally, chains> seen{};
        std::vector<task<>> running;
        for (tally& each : seen) {
            const int share = std::min(left, std::clamp(count / chains, 1, most_in_turn));
            left -= share;
            running.push_back(in_turn(on, kind, ++seed, share, each));
        }
        co_await when_all(std::move(running));
        for (const tally& each : seen) into += each;
        for (const auto& name : std::filesystem::directory_iterator(on.folder)) std::filesystem::remove_all(name.path());
    }
}

int how_many() {
    const char* text = std::getenv("WEFT_RACES");
    return text == nullptr ? scaled(200) : std::atoi(text);
}

class race_test : public ::testing::Test {
public:
    race_test(const subject_kind& kind, backend where) : kind_(kind), where_(where) {}

    void TestBody() override {
        tally seen;
        run_on(where_, [&](stage& on) { return races(on, kind_, how_many(), seen); });
        if (::testing::Test::IsSkipped()) return;
        std::printf("race %s %s: %ld races, %ld cancelled, %ld wrong, %ld doubled\n", name_of(where_).c_str(), kind_.name,
            seen.races, seen.cancelled, seen.wrong, seen.doubled);
        EXPECT_EQ(seen.races, how_many());
        EXPECT_EQ(seen.wrong, 0);
        EXPECT_EQ(seen.doubled, 0);
    }

private:
    const subject_kind& kind_;
    backend where_;
};

/// Before main() looks for tests.
const bool enlisted = [] {
    for (const backend where : {backend::epoll, backend::io_uring}) {
        for (const subject_kind& kind : subject_kinds()) {
            ::testing::RegisterTest(("cancel_race_" + name_of(where)).c_str(), kind.name, nullptr, nullptr, __FILE__,
                __LINE__, [&kind, where]() -> ::testing::Test* { return new race_test(kind, where); });
        }
    }
    return true;
}();

}  // namespace
}  // namespace weft_test
