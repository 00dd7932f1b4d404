#pragma once
// bench/support/weft.hpp: the Weft side of the benchmarks — a runtime with as many workers as the question wants.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <utility>

#include "support/harness.hpp"
#include "weft/block_on.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/task.hpp"

namespace bench {

/// A runtime of exactly `workers` threads.
class weft_runtime {
public:
    explicit weft_runtime(std::uint64_t workers) : runtime_(options(workers)) {}

    /// Runs `body(args...)` on a worker and waits for its result.
    template <class F, class... Args>
    auto run(F body, Args... args) {
        return weft::block_on(runtime_, [&] { return weft::run(body, std::move(args)...); });
    }

private:
    static weft::runtime_options options(std::uint64_t workers) {
        weft::runtime_options chosen;
        chosen.min_threads = workers;
        chosen.max_threads = workers;  // the pool must not make up for a worker that the benchmark keeps busy
        return chosen;
    }

    weft::runtime runtime_;
};

}  // namespace bench
