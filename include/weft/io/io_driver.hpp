#pragma once
// <weft/io/io_driver.hpp>: a driver that carries out I/O operations; io_uring, epoll and the simulated world are its peers.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"
#include "weft/io/io_operation.hpp"
#include "weft/scheduling/driver.hpp"

namespace weft::inline WEFT_ABI {

/// Starts and cancels requests; their answers come through driver::poll(), harvest() and monitor_tick().
///
/// Threads  every member may be called from any thread.
class io_driver : public driver {
public:
    /// Starts `operation`, whose fields are filled in.
    ///
    /// @returns true   its `complete` will be called once, or has been: nothing of it may be touched any more
    ///          false  it ended in the call: `result` is set and `complete` will not be called. So does one whose cancel() came
    ///                 first, or that starts while the driver is being shut down: result -ECANCELED.
    [[nodiscard]] virtual bool submit(io_operation& operation) noexcept = 0;

    /// Carries `operation` out if that is possible without waiting, before anything is known of an awaiter. @returns whether it
    /// is over: `result` is set. Otherwise nothing has happened.
    [[nodiscard]] virtual bool try_now(io_operation& operation) noexcept {
        static_cast<void>(operation);
        return false;
    }

    /// Asks for `operation` to end early. It still completes through `complete`, and only once the kernel has let go of its
    /// buffer: with -ECANCELED, or with its result if that came first. May be called before and while submit() runs.
    ///
    /// Precondition: the record stays alive until the call returns (the caller's cancellation node sees to it).
    virtual void cancel(io_operation& operation) noexcept = 0;

    /// Told before a descriptor that this driver has worked on is closed by a plain system call.
    /// Precondition: no operation on it is in flight.
    virtual void forget(int fd) noexcept { static_cast<void>(fd); }

protected:
    io_driver() = default;
};

}  // namespace weft::inline WEFT_ABI
