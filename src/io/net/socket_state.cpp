// src/io/net/socket_state.cpp: endpoints to socket addresses and back.
// SPDX-License-Identifier: MIT

#include "io/net/socket_state.hpp"

#include <cstring>

#include <netinet/in.h>

namespace weft::inline WEFT_ABI::detail {

socket_address::socket_address(const net::endpoint& from) noexcept {
    if (from.is_v6()) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(from.port());
        address.sin6_scope_id = from.scope();
        std::memcpy(&address.sin6_addr, from.bytes().data(), 16);
        std::memcpy(&storage_, &address, size_ = sizeof address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(from.port());
        std::memcpy(&address.sin_addr, from.bytes().data(), 4);
        std::memcpy(&storage_, &address, size_ = sizeof address);
    }
}

socket_address::socket_address(io_driver& driver, int fd, side which) noexcept {
    std::uint32_t size = sizeof storage_;
    error_ = -driver.name_of(fd, which == side::peer, &storage_, size);
    if (error_ == 0) size_ = size;
}

net::endpoint socket_address::to_endpoint() const noexcept {
    net::endpoint result;
    static_cast<void>(endpoint_from(reinterpret_cast<const sockaddr*>(&storage_), result));
    return result;
}

bool endpoint_from(const sockaddr* address, net::endpoint& result) noexcept {
    if (address->sa_family == AF_INET) {
        sockaddr_in known{};
        std::memcpy(&known, address, sizeof known);
        result =
            net::endpoint::from_bytes(false, reinterpret_cast<const std::uint8_t*>(&known.sin_addr), ntohs(known.sin_port));
        return true;
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 known{};
        std::memcpy(&known, address, sizeof known);
        result = net::endpoint::from_bytes(
            true, reinterpret_cast<const std::uint8_t*>(&known.sin6_addr), ntohs(known.sin6_port), known.sin6_scope_id);
        return true;
    }
    return false;
}

}  // namespace weft::inline WEFT_ABI::detail
