#pragma once
// src/io/net/dns/dns_socket.hpp: one of c-ares's sockets, as the driver sees it.
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>

#include <sys/socket.h>

#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/detail/descriptor_state.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Which readiness is waited for. Each has a waiter of its own, since a driver waits for one of them at a time.
enum class dns_way : unsigned { read = 0, write = 1 };

/// Closed by abandon(): at once, or when the last waiter has let go of it. The fields change under the engine's lock.
class dns_socket final : public descriptor_state {
public:
    dns_socket(io_driver& driver, int fd) : descriptor_state(driver, fd) {}

    [[nodiscard]] const char* kind() const noexcept override { return "resolver"; }
    [[nodiscard]] std::string name() const override { return "a name server"; }

    bool wanted[2] = {false, false};  ///< c-ares's interest, by way
    bool served[2] = {false, false};  ///< somebody waits, or is about to
    cancellation_source stop;         ///< ends the waiters

protected:
    void interrupt() noexcept override { driver().shutdown(fd(), SHUT_RDWR); }
};

/// Keeps a dns_socket alive and its descriptor open. Taken while it is known to be open.
class dns_lease {
public:
    explicit dns_lease(dns_socket& socket) noexcept : socket_(socket.enter() ? &socket : nullptr) {}
    dns_lease(dns_lease&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
    dns_lease& operator=(dns_lease&&) = delete;
    ~dns_lease() {
        if (socket_ != nullptr) socket_->leave();
    }
    [[nodiscard]] dns_socket& operator*() const noexcept { return *socket_; }
    [[nodiscard]] dns_socket* operator->() const noexcept { return socket_; }

private:
    dns_socket* socket_;
};

[[nodiscard]] std::string attempt_to_wait(const descriptor_state& state);
using dns_wait = descriptor_operation<io_kind::poll, int, &attempt_to_wait>;

}  // namespace weft::inline WEFT_ABI::detail
