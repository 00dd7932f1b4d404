#pragma once
// src/tls/outlet.hpp: where OpenSSL puts what is to be sent, so that it can be sent from there.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "tls/openssl.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Leaves what a vector grows by as it is: it is written over at once.
template <class T>
struct unfilled : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = unfilled<U>;
    };
    template <class U>
    void construct(U* at) noexcept {
        ::new (static_cast<void*>(at)) U;
    }
};
using tls_bytes = std::vector<std::byte, unfilled<std::byte>>;

inline void append(tls_bytes& to, const void* data, std::size_t size) {
    const std::size_t before = to.size();
    to.resize(before + size);
    if (size != 0) std::memcpy(to.data() + before, data, size);
}

/// A sink for an SSL object that appends to `bytes`, and asks to be tried again while `outlet_limit` of them or more lie there. Without memory
/// it fails, for good.
/// Precondition: `bytes` outlives it. @returns null without memory
[[nodiscard]] bio_ptr outlet_to(tls_bytes& bytes) noexcept;

/// Less is always taken whole: a call's records (tls_session::send_at_once) never meet the limit, which is against a peer that
/// makes us answer and does not read.
inline constexpr std::size_t outlet_limit = 80 * 1024;

}  // namespace weft::inline WEFT_ABI::detail
