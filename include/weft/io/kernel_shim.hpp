#pragma once
// <weft/io/kernel_shim.hpp>: a seam between the drivers and the kernel, for a kernel that is worse than the one at hand.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI {

/// What a kernel may do to a driver, rarely, and a test wants to see often: each member says what happens now. These do nothing;
/// weft::testing::kernel_faults does.
///
/// Threads  every member is called from any thread, several at a time, under a driver's locks: it decides and returns.
class kernel_shim {
public:
    kernel_shim(const kernel_shim&) = delete;
    kernel_shim& operator=(const kernel_shim&) = delete;

    /// The bytes (for vectored kinds: pieces) that the kernel is asked for, of the `asked` that `operation` wants. @returns 1 … asked
    [[nodiscard]] virtual std::uint32_t shorten(const io_operation& operation, std::uint32_t asked) noexcept {
        static_cast<void>(operation);
        return asked;
    }
    /// Why the kernel does not begin with `operation`: an errno, which is then its answer; 0: it does. Asked anew at each attempt.
    /// A close that fails has closed all the same.
    [[nodiscard]] virtual int refuse(const io_operation& operation) noexcept {
        static_cast<void>(operation);
        return 0;
    }
    /// How many looks for answers this one stays unseen, while others overtake it.
    [[nodiscard]] virtual unsigned hold(const io_operation& operation) noexcept {
        static_cast<void>(operation);
        return 0;
    }
    /// Why the driver's next visit to the kernel fails: EINTR, EAGAIN, EBUSY (io_uring's last two: no memory; too many answers); 0.
    [[nodiscard]] virtual int visit() noexcept { return 0; }
    /// Why the kernel moves no datagrams of a batch in one call: an errno. EAGAIN, the answer of this one: each goes alone, as an operation
    /// that the other members see.
    /// @param sending  sendmmsg(2), or else recvmmsg(2)
    [[nodiscard]] virtual int refuse_batch(bool sending) noexcept {
        static_cast<void>(sending);
        return EAGAIN;
    }
    /// Whether there is no room for another entry, although the queue has some.
    [[nodiscard]] virtual bool is_full() noexcept { return false; }

protected:
    kernel_shim() = default;
    ~kernel_shim() = default;
};

/// Puts `shim` between all drivers of the process and the kernel; null: nothing. Nobody looks at the shim before any more when this returns.
/// Precondition: no operation is in flight, and no shim calls this.
void set_kernel_shim(kernel_shim* shim) noexcept;

namespace detail {
/// Whether `length` says how much is to be moved, so that it can be cut short.
[[nodiscard]] constexpr bool is_transfer(const io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::write:
        case io_kind::readv:
        case io_kind::writev:
        case io_kind::copy_range:
        case io_kind::recv:
        case io_kind::send: return operation.length > 1;
        default: return false;
    }
}
/// Null in production. To be used only while an operation is in flight, which keeps it in place.
[[nodiscard]] kernel_shim* current_kernel_shim() noexcept;
/// kernel_shim::visit() and is_full(), or 0 and false without a shim; at any time.
[[nodiscard]] int visit_refused() noexcept;
[[nodiscard]] bool queue_refused() noexcept;
/// kernel_shim::refuse_batch(), or 0 without a shim; at any time.
[[nodiscard]] int batch_refused(bool sending) noexcept;
}  // namespace detail

}  // namespace weft::inline WEFT_ABI
