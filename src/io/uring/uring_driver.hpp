#pragma once
// src/io/uring/uring_driver.hpp: the driver that gives every permanent thread a ring of its own.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "io/uring/ring.hpp"
#include "weft/io/io_driver.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One cooperative ring for each worker and one for the monitor (why not the single-issuer modes: docs/internals/io.md).
///
/// A request dies with the thread that submitted it, so only permanent threads submit: what others start or cancel goes
/// through the mailbox of a ring, and its owner, or the monitor when the owner is busy, hands it to the kernel.
class uring_driver final : public io_driver {
public:
    uring_driver() = default;

    [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
    void start(driver_host& host) override;
    void poll(unsigned index, time_point deadline) noexcept override;
    bool harvest(unsigned index, bool others) noexcept override;
    void wake(unsigned index) noexcept override;
    void monitor_tick() noexcept override;
    [[nodiscard]] bool has_operations() const noexcept override;
    void cancel_all() noexcept override;
    void stop() noexcept override;

    [[nodiscard]] bool try_now(io_operation& operation) noexcept override;
    [[nodiscard]] bool submit(io_operation& operation) noexcept override;
    void cancel(io_operation& operation) noexcept override;

private:
    [[nodiscard]] shutdown_note note() const noexcept {
        return {stopping_.load(std::memory_order_acquire), generation_.load(std::memory_order_acquire)};
    }
    [[nodiscard]] unsigned choose_owner() noexcept;
    [[nodiscard]] bool goes_into_ring(io_kind kind) const noexcept {
        return (ring_kinds_ >> static_cast<unsigned>(kind) & 1) != 0;
    }
    [[nodiscard]] bool submit_blocking(io_operation& operation) noexcept;
    void run_blocking(io_operation& operation) noexcept;

    driver_host* host_ = nullptr;
    std::unique_ptr<ring[]> rings_;
    unsigned count_ = 0;  // one more than the workers: the monitor's is the last
    std::uint64_t ring_kinds_ = 0;
    std::atomic<std::uint32_t> blocking_calls_{0};  // on blocking threads, which wake owners when they complete
    std::atomic<unsigned> turn_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint32_t> generation_{0};  // grows when everything in flight is to be canceled
};

/// Whether io_uring works here, found out by using it: a no-op, a buffer ring, a message, a cancellation of everything.
/// @returns empty, or what was refused and why
[[nodiscard]] std::string probe_io_uring();

/// One bit for each io_kind, by its number, that this kernel's io_uring carries out; the others are plain system calls on blocking
/// threads. The kinds that a ring is refused without (probe_io_uring()) are always among them.
[[nodiscard]] std::uint64_t kinds_of_io_uring() noexcept;

}  // namespace weft::inline WEFT_ABI::detail
