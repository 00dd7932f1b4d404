#pragma once
// src/io/net/socket_state.hpp: an open socket with its name, and addresses as the kernel wants them.
// SPDX-License-Identifier: MIT

#include <string>

#include <sys/socket.h>

#include "weft/io/detail/descriptor_state.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::detail {

class socket_state final : public descriptor_state {
public:
    socket_state(io_driver& driver, int fd, const char* kind, const net::endpoint& known_as) noexcept
        : descriptor_state(driver, fd), kind_(kind), endpoint_(known_as) {}

    [[nodiscard]] const char* kind() const noexcept override { return kind_; }
    [[nodiscard]] std::string name() const override { return endpoint_.to_string(); }
    /// A stream's peer, a listener's own address.
    [[nodiscard]] const net::endpoint& endpoint() const noexcept { return endpoint_; }
    void rename(const net::endpoint& known_as) noexcept { endpoint_ = known_as; }

protected:
    void interrupt() noexcept override { driver().shutdown(fd(), SHUT_RDWR); }

private:
    const char* kind_;
    net::endpoint endpoint_;
};

/// A socket address of either family.
class socket_address {
public:
    enum class side : bool { local, peer };

    explicit socket_address(const net::endpoint& from) noexcept;
    /// Of either side of the connection `fd`; is_known() tells whether there is one.
    socket_address(io_driver& driver, int fd, side which) noexcept;

    [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const noexcept { return size_; }
    [[nodiscard]] bool is_known() const noexcept { return size_ != 0; }
    /// Why not: an errno.
    [[nodiscard]] int error() const noexcept { return error_; }
    [[nodiscard]] net::endpoint to_endpoint() const noexcept;

private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
    int error_ = 0;
};

/// The endpoint behind an address of the C library; false for other families than IP.
[[nodiscard]] bool endpoint_from(const sockaddr* address, net::endpoint& result) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
