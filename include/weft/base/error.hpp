#pragma once
// <weft/base/error.hpp>: the exceptions of the library that carry no token; operation_canceled stands in context.
// SPDX-License-Identifier: MIT

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI {

/// A call that is wrong in the object's present state: completing a source twice, awaiting an empty handle.
/// Follows System.InvalidOperationException.
class invalid_operation : public std::logic_error {
public:
    explicit invalid_operation(const std::string& what) : std::logic_error(what) {}
    explicit invalid_operation(const char* what = "the operation is not valid in the object's present state")
        : std::logic_error(what) {}
};

/// A call on something already disposed. Follows System.ObjectDisposedException.
class object_disposed : public invalid_operation {
public:
    explicit object_disposed(std::string_view object_name)
        : invalid_operation("'" + std::string(object_name) + "' has been disposed") {}
};

/// A time limit passed. Follows System.TimeoutException.
class timeout_exception : public std::runtime_error {
public:
    explicit timeout_exception(const std::string& what = "the operation has timed out") : std::runtime_error(what) {}
};

/// An operating-system error of an I/O operation; what() names the operation and the path or peer.
class io_error : public std::system_error {
public:
    /// @param code     the system's error
    /// @param attempt  what was tried on what, e.g. "open '/tmp/x'"
    io_error(std::error_code code, const std::string& attempt);

    /// `open '/tmp/x' failed: no such file or directory (ENOENT)`
    [[nodiscard]] const char* what() const noexcept override { return message_.what(); }

private:
    // Held in an exception of the standard library because copying one never throws.
    std::runtime_error message_;
};

/// The message of any exception: what() of a std::exception, a fixed sentence for anything else, "" for null.
[[nodiscard]] std::string message_of(const std::exception_ptr& error);

}  // namespace weft::inline WEFT_ABI
