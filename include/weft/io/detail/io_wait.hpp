#pragma once
// <weft/io/detail/io_wait.hpp>: what every awaited operation on a descriptor is made of: record, cancellation and awaiter.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What an operation on a descriptor is made of.
struct io_request {
    descriptor_state* state;
    void* buffer;
    std::size_t length;
    std::uint64_t offset;  ///< of a kind that has none: the flags
    cancellation_token token;

    io_request(descriptor_state* of, void* data, std::size_t size, cancellation_token stop, std::uint64_t at = 0) noexcept
        : state(of), buffer(data), length(size), offset(at), token(std::move(stop)) {}
};

/// The part of an operation that does not depend on its result. Lives in the awaiting frame.
///
/// Order: ready() (cancelled, closed, or done at once), else begin(); then the kernel's answer resumes the awaiter, and
/// finish() says how it ended.
class io_wait : io_operation, cancellation_node {
public:
    io_wait(const io_wait&) = delete;
    io_wait& operator=(const io_wait&) = delete;

protected:
    io_wait(io_kind what, io_request&& request) noexcept;
    ~io_wait();

    [[nodiscard]] io_request take_request() noexcept;

    [[nodiscard]] bool ready() noexcept;
    [[nodiscard]] bool begin(task_core& awaiter) noexcept;
    /// @param attempt  "read from '127.0.0.1:80'"; built only when something failed
    /// @param give_errors  errors of the system are results, too
    /// @returns the result; a negative errno only with give_errors
    /// @throws operation_canceled, object_disposed, io_error
    std::int32_t finish(std::string (*attempt)(const descriptor_state&), bool give_errors = false);

    /// Before finish(): readiness that our own close made up is none.
    void doubt_readiness() noexcept {
        if (entered_ && result >= 0 && state_->is_closing()) result = -ECANCELED;
    }

    /// Sends on until everything has been sent. Set before ready().
    void send_everything() noexcept { io_operation::complete = &continue_writing; }

private:
    static void resume(io_operation& operation) noexcept;
    static void continue_writing(io_operation& operation) noexcept;
    static void ask_to_cancel(cancellation_node& node);
    [[nodiscard]] bool advance() noexcept;
    [[noreturn]] void fail(std::string (*attempt)(const descriptor_state&));

    bool entered_ = false;
    task_core* awaiter_ = nullptr;
    descriptor_state* state_;
    cancellation_token token_;
};
static_assert(sizeof(io_wait) <= 120, "with the operation's own word: 128 bytes");

}  // namespace weft::inline WEFT_ABI::detail
