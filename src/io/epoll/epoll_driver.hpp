#pragma once
// src/io/epoll/epoll_driver.hpp: the driver for kernels and containers that refuse io_uring.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <memory>

#include "io/epoll/descriptor_table.hpp"
#include "io/sleep_state.hpp"
#include "weft/io/io_driver.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One epoll set for each permanent thread. A descriptor joins the set of the owner that first works on it, and moves only when
/// that owner is long busy; nothing binds it to the thread, so whoever has time fetches the events of busy owners. Files go to
/// blocking threads, but for reads of what is in memory.
class epoll_driver final : public io_driver {
public:
    epoll_driver() = default;
    ~epoll_driver() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }
    void start(driver_host& host) override;
    void poll(unsigned index, time_point deadline) noexcept override;
    bool harvest(unsigned index, bool others) noexcept override;
    void wake(unsigned index) noexcept override;
    void monitor_tick() noexcept override;
    [[nodiscard]] bool has_operations() const noexcept override;
    void cancel_all() noexcept override;

    [[nodiscard]] bool try_now(io_operation& operation) noexcept override;
    [[nodiscard]] bool submit(io_operation& operation) noexcept override;
    void cancel(io_operation& operation) noexcept override;
    void forget(int fd) noexcept override;

private:
    /// One owner's epoll set. The owner sleeps in it; anyone may fetch its events.
    struct owner_set {
        int epoll_fd = -1;
        int wake_fd = -1;
        sleep_state sleep;
        std::atomic<std::int64_t> in_flight{0};
        // Events fetched by one thread at a time: two would only split the work of one.
        std::mutex fetching;
    };

    [[nodiscard]] unsigned choose_set() noexcept;
    /// Starts waiting for, or carries out, an operation on a pollable descriptor. @returns as submit()
    [[nodiscard]] bool submit_ready(io_operation& operation, descriptor_record& record) noexcept;
    [[nodiscard]] bool submit_blocking(io_operation& operation) noexcept;
    [[nodiscard]] descriptor_record::known_as classify(io_operation& operation, descriptor_record& record) noexcept;
    [[nodiscard]] bool watch(int fd, descriptor_record& record, unsigned set) noexcept;
    void leave_busy_owner(int fd, descriptor_record& record) noexcept;
    void run_blocking(io_operation& operation) noexcept;
    bool fetch(unsigned index, const time_point* deadline, bool late = false) noexcept;
    bool dispatch(std::uint64_t data, std::uint32_t events, bool late) noexcept;
    bool complete_all(operation_list& ended) noexcept;
    void count_in(unsigned index) noexcept;

    driver_host* host_ = nullptr;
    std::unique_ptr<owner_set[]> sets_;
    unsigned count_ = 0;  // one more than the workers: the monitor's is the last
    descriptor_table table_;
    std::atomic<unsigned> turn_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<int> highest_fd_{-1};
};

}  // namespace weft::inline WEFT_ABI::detail
