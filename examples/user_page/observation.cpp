// Shared counters and the trace of calls.
// SPDX-License-Identifier: MIT

#include "observation.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command_line.hpp"

namespace user_page {

shared_counters::shared_counters(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof(app_counters)) != 0) {
        const std::string problem = std::strerror(errno);
        if (file >= 0) close(file);
        throw setup_error("open counters '" + path + "' failed: " + problem);
    }
    void* memory = mmap(nullptr, sizeof(app_counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) throw setup_error("map counters '" + path + "' failed: " + std::strerror(errno));
    // The bytes are zero in a new file and live atomics in an old one; either way they are the object.
    counters_ = std::launder(static_cast<app_counters*>(memory));
}

shared_counters::~shared_counters() { munmap(counters_, sizeof(app_counters)); }

std::size_t call_trace::begin(std::uint64_t request, std::string_view call) {
    const std::lock_guard guard(mutex_);
    const std::int64_t in_flight = 1 + counters_.calls.fetch_add(1, std::memory_order_relaxed);
    if (in_flight > counters_.calls_most.load(std::memory_order_relaxed))
        counters_.calls_most.store(in_flight, std::memory_order_relaxed);
    if (records_.size() >= most_records) return most_records;
    const std::size_t thread = threads_.try_emplace(gettid(), threads_.size() + 1).first->second;
    records_.push_back(record{request, std::string(call), thread, clock::now(), {}, in_flight});
    return records_.size() - 1;
}

void call_trace::end(std::size_t call) {
    const std::lock_guard guard(mutex_);
    counters_.calls.fetch_sub(1, std::memory_order_relaxed);
    if (call < records_.size()) records_[call].end = clock::now();
}

void call_trace::clear() {
    const std::lock_guard guard(mutex_);
    records_.clear();
    threads_.clear();
    counters_.calls_most.store(counters_.calls.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

json call_trace::to_json() const {
    const std::lock_guard guard(mutex_);
    json::array calls;
    for (const record& each : records_) {
        const auto since_first = [&](clock::time_point when) {
            return std::chrono::duration<double, std::milli>(when - records_.front().start).count();
        };
        json call;
        call["request"] = each.request;
        call["call"] = each.call;
        call["thread"] = each.thread;
        call["start_ms"] = since_first(each.start);
        call["end_ms"] = since_first(std::max(each.end, each.start));
        call["in_flight"] = each.in_flight;
        calls.push_back(std::move(call));
    }
    return calls;
}

}  // namespace user_page
