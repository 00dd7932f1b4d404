#pragma once
// bench/support/harness.hpp: what every C++ benchmark program shares — arguments, clocks, memory, one line a measurement.
// SPDX-License-Identifier: MIT

#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace bench {

using clock = std::chrono::steady_clock;

/// `name=value` pairs of the command line; run.py passes every parameter of the question to every subject.
class arguments {
public:
    arguments(int count, char** values) : values_(values + 1, values + count) {}

    [[nodiscard]] std::string_view text(std::string_view name, std::string_view fallback) const {
        for (const std::string_view value : values_) {
            if (value.size() > name.size() && value.starts_with(name) && value[name.size()] == '=') {
                return value.substr(name.size() + 1);
            }
        }
        return fallback;
    }

    [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t fallback) const {
        const std::string_view digits = text(name, {});
        return digits.data() == nullptr ? fallback : std::strtoull(digits.data(), nullptr, 10);
    }

private:
    std::vector<char*> values_;
};

/// Prints one sample; run.py gathers them.
inline void report(const char* metric, const char* unit, double value) {
    std::printf("measure %s %s %.9g\n", metric, unit, value);
    std::fflush(stdout);
}

/// A server announces the port it listens on; run.py then starts the load generator.
inline void ready(unsigned port) {
    std::printf("ready %u\n", port);
    std::fflush(stdout);
}

/// Makes the compiler believe that `value` is read and changed here.
template <class T>
inline void keep(T& value) {
    asm volatile("" : "+r,m"(value) : : "memory");
}

/// Nanoseconds since `start`, divided among `operations`.
inline double nanoseconds_each(clock::time_point start, std::uint64_t operations) {
    return std::chrono::duration<double, std::nano>(clock::now() - start).count() / static_cast<double>(operations);
}

/// What one operation cost.
struct cost {
    double nanoseconds;
    double allocations;  ///< calls of the C library's allocator by the whole process; negative where nobody counts
};

/// Calls of the allocator until now; null unless run.py counts (support/allocations.cpp).
using allocation_counter = std::uint64_t (*)();
inline const allocation_counter allocations =
    reinterpret_cast<allocation_counter>(dlsym(RTLD_DEFAULT, "bench_allocations"));

/// Time and allocations since it was made.
class stopwatch {
public:
    /// Divided among `operations`.
    [[nodiscard]] cost each(std::uint64_t operations) const {
        const double nanoseconds = nanoseconds_each(start_, operations);
        if (allocations == nullptr) return {nanoseconds, -1};
        return {nanoseconds, static_cast<double>(allocations() - allocated_) / static_cast<double>(operations)};
    }

private:
    std::uint64_t allocated_ = allocations == nullptr ? 0 : allocations();
    clock::time_point start_ = clock::now();  // last: what comes before it is not measured
};

/// Prints the allocations of an operation, where they are counted. Less than a thousandth is what a repetition costs once.
inline void report_allocations(const char* metric, const cost& each) {
    if (each.allocations >= 0) report(metric, "1", std::round(each.allocations * 1000) / 1000);
}

/// Prints both.
inline void report(const char* metric, const cost& each, const char* allocations_metric = "allocations") {
    report(metric, "ns", each.nanoseconds);
    report_allocations(allocations_metric, each);
}

/// Resident memory of this process now, in bytes.
inline double resident_bytes() {
    long pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
        std::fclose(file);
    }
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// User and system time this process has used, in seconds.
inline double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Reports the distribution of `nanoseconds` late (each: time of resumption − own deadline).
inline void report_lateness(std::vector<std::int64_t> nanoseconds) {
    std::sort(nanoseconds.begin(), nanoseconds.end());
    const auto at = [&](std::size_t parts_of_1000) {
        return static_cast<double>(nanoseconds[(nanoseconds.size() - 1) * parts_of_1000 / 1000]) / 1e6;
    };
    report("late_p50", "ms", at(500));
    report("late_p99", "ms", at(990));
    report("late_max", "ms", at(1000));
}

}  // namespace bench
