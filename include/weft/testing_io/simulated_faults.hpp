#pragma once
// <weft/testing_io/simulated_faults.hpp>: what goes wrong in single operations of a simulated world.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>

#include "weft/base/config.hpp"
#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::testing {

class simulation;

/// Faults of operations, on every node. All are off at the start.
///
/// A handle on what its simulated_io holds: copies are the same, and none outlives it. Changes are for operations that end from
/// now on.
class simulated_faults {
public:
    /// Reads of sockets and files may return less than there is: all of it, a byte, half, or all but one byte; of up to 8 bytes any number.
    void short_reads(bool on = true) const noexcept;
    /// As short_reads(), of what is sent or written.
    void short_writes(bool on = true) const noexcept;

    /// The next `count` operations of this kind that could go on, or wait, fail. What the operation was about stays untouched: bytes
    /// are not lost, and a connection stays in the line.
    /// @param error  an errno, such as ENOSPC
    void fail_next(io_kind kind, int error, std::size_t count = 1) const;
    /// Of the operations of this kind each may fail, about one in `one_in`. 0: none any more.
    /// @param error  an errno
    void fail_one_in(io_kind kind, int error, std::size_t one_in) const;

    /// How long an operation on a file takes: somewhere between the two. @throws std::invalid_argument  unless 0 <= least <= most
    void disk_latency(std::chrono::nanoseconds least, std::chrono::nanoseconds most) const;
    /// A crash may leave a part of what was not synced: some of the writes, in order, and of the next one some sectors; some of the
    /// changes of names, in order.
    void torn_writes(bool on = true) const noexcept;

    /// From now on at most `count` things go wrong in this world, of all that is left to choice: transfers that are cut short, operations
    /// that fail by fail_one_in(), times longer than the least of their range, pieces and datagrams that are lost, datagrams that come
    /// twice, connections that are reset. After that all goes well, so that an exhaustive exploration ends: it has then seen every way
    /// in which up to so many things can go wrong. What fail_next() orders does not count. No limit at the start.
    void at_most(std::size_t count) const noexcept;

    /// No faults any more, for a phase in which the program must recover. Latencies stay.
    void none() const noexcept;

private:
    friend class simulated_io;
    explicit simulated_faults(simulation& world) noexcept : world_(&world) {}
    simulation* world_;
};

}  // namespace weft::inline WEFT_ABI::testing
