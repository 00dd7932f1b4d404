#pragma once
// bench/support/weft.hpp: the Weft side of the benchmarks — the default runtime with as many workers as the question wants.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <string>
#include <utility>

#include "support/harness.hpp"
#include "weft/run.hpp"
#include "weft/task.hpp"

namespace bench {

/// Sizes the default runtime; to be made before anything else of Weft is used.
class weft_runtime {
public:
    explicit weft_runtime(std::uint64_t workers) { setenv("WEFT_MIN_THREADS", std::to_string(workers).c_str(), 1); }

    /// Runs `body(args...)` on a worker and waits for its result.
    template <class F, class... Args>
    auto run(F body, Args... args) {
        return weft::run(body, std::move(args)...).get();
    }
};

}  // namespace bench
