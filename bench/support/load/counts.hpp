#pragma once
// bench/support/load/counts.hpp: what every mode of the load generator shares — when it counts, and what it prints.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "support/errors.hpp"
#include "support/harness.hpp"

namespace bench {

/// The time of a run. Its first tenth warms up: served but not counted.
class counted_time {
public:
    counted_time(clock::time_point begin, std::chrono::milliseconds duration)
        : start_(begin + std::chrono::duration_cast<clock::duration>(duration) / 10), end_(begin + duration) {}

    /// Whether `now` is the first moment that counts.
    [[nodiscard]] bool begins(clock::time_point now) {
        if (counting_ || now < start_) return false;
        counting_ = true;
        start_ = now;
        return true;
    }
    [[nodiscard]] bool is_over(clock::time_point now) const { return now >= end_; }
    [[nodiscard]] clock::time_point start() const { return start_; }

private:
    clock::time_point start_;
    clock::time_point end_;
    bool counting_ = false;
};

/// Answers and how long each took.
class counts {
public:
    void answer(clock::time_point sent, clock::time_point now, std::uint64_t exchanges = 1) {
        answered_ += exchanges;
        latencies_.push_back(std::chrono::duration<float, std::micro>(now - sent).count());
    }

    /// What came before is no longer counted.
    void start() {
        before_ = answered_;
        latencies_.clear();
    }

    /// @param rate  the name of the metric of answers a second
    void print(const char* rate, clock::time_point start, clock::time_point now) {
        if (latencies_.empty()) throw std::runtime_error("the server answered nothing");
        std::sort(latencies_.begin(), latencies_.end());
        const auto at = [&](std::size_t parts_of_1000) {
            return static_cast<double>(latencies_[(latencies_.size() - 1) * parts_of_1000 / 1000]);
        };
        const double seconds = std::chrono::duration<double>(now - start).count();
        report(rate, "1/s", static_cast<double>(answered_ - before_) / seconds);
        report("latency_p50", "us", at(500));
        report("latency_p99", "us", at(990));
        std::printf("answered %llu\n", static_cast<unsigned long long>(answered_));
    }

private:
    std::vector<float> latencies_;
    std::uint64_t answered_ = 0;
    std::uint64_t before_ = 0;
};

}  // namespace bench
