#pragma once
// bench/io/uring_features/features.hpp: a ring with the flags of our driver, and what else the programs of this folder share.
// SPDX-License-Identifier: MIT

#include <pthread.h>
#include <sched.h>

#include <cstdint>
#include <ctime>

#include "support/bare_ring.hpp"
#include "support/harness.hpp"
#include "support/sockets.hpp"

namespace features {

/// A ring with the flags of our driver.
class driver_ring : public bench::bare_ring {
public:
    driver_ring() : bare_ring(flags, 256, 4096) {}

    /// Submits what is prepared, sleeps until an answer comes, and gives each of them to `handle`.
    template <class Handle>
    void serve(Handle handle) {
        submit_and_wait(1);
        for_each_answer(handle);
    }

private:
    static constexpr unsigned flags =
        IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
};

/// Nanoseconds of processor time until now, of the calling thread or of the process.
inline double processor_time(clockid_t whose) {
    timespec now{};
    clock_gettime(whose, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The calling thread runs on this core only; where there is no such core, anywhere.
inline void stay_on_core(unsigned core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
}

/// Where the second thread runs, the first being on core 1. On one core no other one is interrupted to wake a thread, which costs more
/// than what is measured here, and varies.
inline unsigned core_of_the_other(const bench::arguments& arguments) { return arguments.number("cores", 2) == 1 ? 1 : 0; }

inline int accept_from(int listener) {
    const int descriptor = bench::called(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    bench::no_delay(descriptor);
    return descriptor;
}

}  // namespace features
