#pragma once
// src/io/pollable_state.hpp: a descriptor of any kind as a stream: pipes, devices, terminals, sockets and files.
//
// Calls on a descriptor that never waits are made at once, by the caller's own thread; refused (EAGAIN), they are made again when the
// driver says that it is ready. So the kernel never holds a buffer while nothing happens. Files are always ready and still take their
// time: those are the driver's own operations.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "io/net/closing_signal.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

class pollable_state final : public descriptor_state {
public:
    /// What the system says of the descriptor.
    enum class shape : std::uint8_t { pipe, device, socket, file };

    /// @param careful  the descriptor may wait: it is asked before each call
    pollable_state(io_driver& driver, int fd, const char* kind, std::string name, bool careful);

    [[nodiscard]] const char* kind() const noexcept override { return kind_; }
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] shape is() const noexcept { return shape_; }
    [[nodiscard]] bool is_careful() const noexcept { return careful_; }
    [[nodiscard]] const closing_signal& closing() const noexcept { return closing_; }

    /// One call. @returns a count, or a negative errno; never -EINTR
    [[nodiscard]] std::int64_t read_now(std::span<std::byte> room) noexcept;
    /// Likewise; never raises SIGPIPE.
    [[nodiscard]] std::int64_t write_now(std::span<const std::byte> data) noexcept;

protected:
    void interrupt() noexcept override { closing_.fire(); }
    // A serial line is closed when what was written has gone out; a file, when its file system has it.
    [[nodiscard]] bool closes_quickly() const noexcept override { return shape_ == shape::pipe || shape_ == shape::socket; }

private:
    const char* kind_;
    std::string name_;
    shape shape_;
    bool careful_;
    closing_signal closing_;
};

/// The state of an owner; throws object_disposed when there is none.
[[nodiscard]] pollable_state& pollable_of(const descriptor_owner& owner, const char* kind);

[[nodiscard]] task<> wait_until_ready(pollable_state& state, unsigned events, cancellation_token token);
[[nodiscard]] task<std::size_t> read_some_of(pollable_state& state, std::span<std::byte> room, cancellation_token token);
[[nodiscard]] task<std::size_t> write_some_to(
    pollable_state& state, std::span<const std::byte> data, cancellation_token token);
[[nodiscard]] task<> write_all_to(pollable_state& state, std::span<const std::byte> data, cancellation_token token);

/// Sets O_NONBLOCK. @throws io_error  that names `name`
void never_wait(int fd, const std::string& name);

}  // namespace weft::inline WEFT_ABI::detail
