#pragma once
// src/io/epoll/system_call.hpp: an operation as the plain system call it stands for.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Makes the call once (again after EINTR). Socket calls never wait: they answer -EAGAIN. File calls may.
/// @returns the result, or a negative errno
[[nodiscard]] std::int32_t call_system(io_operation& operation) noexcept;

/// Makes a read at an offset that needs only copy from the page cache. Never waits. @returns false when it is not one, or not all of it is
/// there, or the file system cannot tell: nothing has happened then
[[nodiscard]] bool read_from_cache(io_operation& operation) noexcept;

/// POLLIN or POLLOUT: what the operation waits for when its descriptor is not ready.
[[nodiscard]] bool waits_to_read(const io_operation& operation) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
