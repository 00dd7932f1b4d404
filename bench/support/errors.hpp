#pragma once
// bench/support/errors.hpp: calls of the system that must not fail.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <system_error>

namespace bench {

[[noreturn]] inline void fail(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
}

/// @returns `result`, of a call that leaves its error in errno
inline int called(int result, const char* what) {
    if (result < 0) fail(errno, what);
    return result;
}

/// @returns `result`, a value or a negative errno: what io_uring answers
inline int answered(int result, const char* what) {
    if (result < 0) fail(-result, what);
    return result;
}

}  // namespace bench
