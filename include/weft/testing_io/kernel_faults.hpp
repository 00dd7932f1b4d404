#pragma once
// <weft/testing_io/kernel_faults.hpp>: a real kernel that behaves as badly as it may, under the io_uring and epoll drivers.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <memory>

#include "weft/base/config.hpp"
#include "weft/io/io_operation.hpp"
#include "weft/testing_io/chooser.hpp"

namespace weft::inline WEFT_ABI::testing {

/// Stands between the drivers of this process and the kernel for as long as it lives. All faults are off at the start; what they
/// may be is what a kernel may do at any time, so a program above must not notice, or gets the error that the kernel names.
///
/// The answers are those of one source of choices, but which operation meets which answer depends on real threads: a run with the
/// same seed is alike, not the same. For runs that repeat exactly there is simulated_io.
///
/// A resource: one at a time in a process, made and destroyed while no operation is in flight.
/// Threads  every member may be called from any thread.
class kernel_faults {
public:
    /// @param seed  of random choices
    explicit kernel_faults(std::uint64_t seed);
    /// @param choices  asked under a lock; outlives this
    explicit kernel_faults(chooser& choices);
    ~kernel_faults();
    kernel_faults(const kernel_faults&) = delete;
    kernel_faults& operator=(const kernel_faults&) = delete;

    /// About one transfer in `one_in` moves a part of what was asked: one byte, half, or all but one byte. 0: none.
    void short_transfers(std::size_t one_in);
    /// About one answer in `one_in` comes late, and others before it. Not on epoll, where an answer is the call's own.
    void late_answers(std::size_t one_in);
    /// About one visit to the kernel in `one_in` fails as though interrupted, or without memory.
    void failing_visits(std::size_t one_in);
    /// About one entry in `one_in` finds the queue full. Only on io_uring.
    void full_queues(std::size_t one_in);

    /// The next `count` attempts at an operation of this kind fail. @param error  an errno
    void fail_next(io_kind kind, int error, std::size_t count = 1);
    /// About one attempt in `one_in` at an operation of this kind fails. 0: none.
    void fail_one_in(io_kind kind, int error, std::size_t one_in);

    /// How often something was made worse until now.
    [[nodiscard]] std::size_t count() const;
    /// How often an operation of this kind was: cut short, answered late or made to fail.
    [[nodiscard]] std::size_t count(io_kind kind) const;

private:
    class shim;
    std::unique_ptr<shim> shim_;
};

}  // namespace weft::inline WEFT_ABI::testing
