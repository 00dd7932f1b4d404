#pragma once
// user_page/observation.hpp: what the app tells about itself: counters in shared memory and a trace of its calls.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "json.hpp"

namespace user_page {

/// Counts of the app.
struct app_counters {
    std::atomic<std::uint64_t> started{0};    ///< requests of measured pages whose handler has begun
    std::atomic<std::uint64_t> finished{0};   ///< of those, how many have ended
    std::atomic<std::int64_t> calls{0};       ///< calls to the services in flight
    std::atomic<std::int64_t> calls_most{0};  ///< the most so far
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "the counters are shared between processes");

/// A file that both processes map. An endpoint would not do: a server all of whose threads block answers nobody, and that is
/// when the driver must look.
class shared_counters {
public:
    /// Creates or opens `path`. @throws setup_error  naming it
    explicit shared_counters(const std::string& path);
    ~shared_counters();
    shared_counters(const shared_counters&) = delete;
    shared_counters& operator=(const shared_counters&) = delete;

    [[nodiscard]] app_counters& operator*() const noexcept { return *counters_; }
    [[nodiscard]] app_counters* operator->() const noexcept { return counters_; }

private:
    app_counters* counters_ = nullptr;
};

/// Which thread began which call to a service, and when.
///
/// Threads  every member may be called from any thread.
class call_trace {
public:
    explicit call_trace(app_counters& counters) : counters_(counters) {}

    /// Records the beginning of a call by the calling thread. @returns what to tell end()
    std::size_t begin(std::uint64_t request, std::string_view call);
    void end(std::size_t call);
    /// Forgets everything. Precondition: no call is in flight.
    void clear();
    /// An array of {request, call, thread, start_ms, end_ms, in_flight}. Threads are numbered from 1 in the order of their
    /// first call, times count from the first call, in_flight includes the call itself.
    [[nodiscard]] json to_json() const;

private:
    using clock = std::chrono::steady_clock;
    struct record {
        std::uint64_t request;
        std::string call;
        std::size_t thread;
        clock::time_point start;
        clock::time_point end;
        std::int64_t in_flight;
    };

    // More calls than these are counted, not recorded: the trace is for a few requests, not for a load.
    static constexpr std::size_t most_records = 1000;

    app_counters& counters_;
    mutable std::mutex mutex_;
    std::vector<record> records_;
    std::map<pid_t, std::size_t> threads_;
};

/// A call that is in flight as long as this lives.
class traced_call {
public:
    traced_call(call_trace& trace, std::uint64_t request, std::string_view call)
        : trace_(trace), id_(trace.begin(request, call)) {}
    ~traced_call() { trace_.end(id_); }
    traced_call(const traced_call&) = delete;
    traced_call& operator=(const traced_call&) = delete;

private:
    call_trace& trace_;
    std::size_t id_;
};

/// A request whose handler runs as long as this lives.
class counted_request {
public:
    explicit counted_request(app_counters& counters)
        : counters_(counters), number_(1 + counters.started.fetch_add(1, std::memory_order_relaxed)) {}
    ~counted_request() { counters_.finished.fetch_add(1, std::memory_order_relaxed); }
    counted_request(const counted_request&) = delete;
    counted_request& operator=(const counted_request&) = delete;

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

private:
    app_counters& counters_;
    std::uint64_t number_;
};

}  // namespace user_page
