#pragma once
// src/testing_io/message.hpp: the bytes a msghdr points to.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/uio.h>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing {

[[nodiscard]] inline std::size_t length_of(const msghdr& message) noexcept {
    std::size_t result = 0;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) result += message.msg_iov[i].iov_len;
    return result;
}

[[nodiscard]] inline std::string gather(const msghdr& message) {
    std::string bytes;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i)
        bytes.append(static_cast<const char*>(message.msg_iov[i].iov_base), message.msg_iov[i].iov_len);
    return bytes;
}

/// As many of `bytes` as there is room for. @returns how many
inline std::size_t scatter(std::string_view bytes, const msghdr& message) noexcept {
    std::size_t moved = 0;
    for (std::size_t i = 0; i < message.msg_iovlen && moved < bytes.size(); ++i) {
        const std::size_t count = std::min(bytes.size() - moved, message.msg_iov[i].iov_len);
        if (count != 0) std::memcpy(message.msg_iov[i].iov_base, bytes.data() + moved, count);
        moved += count;
    }
    return moved;
}

}  // namespace weft::inline WEFT_ABI::testing
