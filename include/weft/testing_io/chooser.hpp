#pragma once
// <weft/testing_io/chooser.hpp>: whoever decides what is undetermined in a simulated world.
// SPDX-License-Identifier: MIT

#include <cstddef>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing {

/// The single source of choices of a run. A simulated world asks it for everything that a network, a disk or a kernel is free
/// to do, so that a run is repeated by giving the same answers.
class chooser {
public:
    chooser(const chooser&) = delete;
    chooser& operator=(const chooser&) = delete;

    /// @param kind     what is chosen; a string literal such as "net.latency"
    /// @param options  at least 2
    /// @returns a number below `options`; 0 is the plain case: no fault, the shortest way, everything at once
    virtual std::size_t choose(const char* kind, std::size_t options) = 0;
    /// Whether something happens that happens in about one of `one_in` cases, at least 2. An exhaustive search tries both.
    virtual bool chance(const char* kind, std::size_t one_in) { return choose(kind, one_in) == 1; }
    /// Whether the running task stops where it could go on. An exhaustive search counts it as a preemption.
    virtual bool stops(const char* kind) { return choose(kind, 2) == 1; }

protected:
    chooser() = default;
    ~chooser() = default;
};

}  // namespace weft::inline WEFT_ABI::testing
