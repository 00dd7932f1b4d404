#pragma once
// src/io/net/udp_state.hpp: what a udp_socket points to.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "io/net/closing_signal.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::detail {

/// An error of the kernel's that has yet to be told; of several the last.
class kept_error {
public:
    void keep(int error) noexcept { error_.store(error, std::memory_order_relaxed); }
    /// @returns it, once; 0: there is none
    [[nodiscard]] int take() noexcept {
        return error_.load(std::memory_order_relaxed) == 0 ? 0 : error_.exchange(0, std::memory_order_relaxed);
    }

private:
    std::atomic<int> error_{0};
};

/// A UDP socket is known by its own address, and by its peer's once it has one.
class udp_state final : public descriptor_state {
public:
    udp_state(io_driver& driver, int fd, const net::endpoint& local) : descriptor_state(driver, fd), local_(local) {}

    [[nodiscard]] const char* kind() const noexcept override { return "udp_socket"; }
    [[nodiscard]] std::string name() const override {
        const std::lock_guard guard(lock_);
        return peer_ ? peer_->to_string() : local_.to_string();
    }
    void connected(const net::endpoint& peer) noexcept {
        const std::lock_guard guard(lock_);
        peer_ = peer;
    }
    void bound(const net::endpoint& local) noexcept { local_ = local; }
    [[nodiscard]] bool is_v6() const noexcept { return local_.is_v6(); }
    [[nodiscard]] const closing_signal& closing() const noexcept { return closing_; }

    /// What came behind datagrams that were moved together; the next receive, or send, tells it.
    [[nodiscard]] kept_error& receiving_error() noexcept { return receiving_error_; }
    [[nodiscard]] kept_error& sending_error() noexcept { return sending_error_; }

protected:
    // shutdown(2) of a socket without a peer wakes nobody who asked without waiting.
    void interrupt() noexcept override { closing_.fire(); }

private:
    mutable std::mutex lock_;  // of peer_
    net::endpoint local_;
    std::optional<net::endpoint> peer_;
    closing_signal closing_;
    kept_error receiving_error_;
    kept_error sending_error_;
};

/// "send to '10.0.0.7:53'"
[[nodiscard]] std::string attempt_to_send_to(const udp_state& socket, const std::optional<net::endpoint>& to);
/// @throws io_error
[[noreturn]] void fail_to_send(const udp_state& socket, const std::optional<net::endpoint>& to, int error);

}  // namespace weft::inline WEFT_ABI::detail
