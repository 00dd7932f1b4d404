// src/io/net/send_file.cpp: readiness from the driver, sendfile(2) on a blocking thread.
//
// io_uring has splice, which it hands to a thread of the kernel's own each time, twice for each piece because of the pipe between the
// two; this does with one.
// SPDX-License-Identifier: MIT

#include "weft/io/net/send_file.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include <poll.h>

#include "weft/base/error.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/scheduling/run_blocking.hpp"

namespace weft::inline WEFT_ABI::detail {

struct descriptor_access {
    template <class T>
    static descriptor_state& state_of(const T& object, const char* kind) {
        if (object.owner_.get() == nullptr) throw object_disposed(kind);
        return *object.owner_.get();
    }
};

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

namespace {

constexpr std::uint64_t longest_piece = 1024 * 1024;
constexpr std::size_t copied_piece = 64 * 1024;

std::string attempt_to_send_file(const detail::descriptor_state& state) { return "send a file to '" + state.name() + "'"; }
using room_operation = detail::descriptor_operation<io_kind::poll, int, &attempt_to_send_file>;

/// Whether the kernel cannot do it with this pair at all.
bool is_unable(std::int64_t error) noexcept { return error == -ENOSYS || error == -EINVAL || error == -EOPNOTSUPP; }

template <class Stream>
task<std::uint64_t> copy(
    Stream& target, fs::file& source, std::uint64_t offset, std::uint64_t count, cancellation_token token) {
    const auto memory = std::make_unique<std::byte[]>(copied_piece);
    std::uint64_t sent = 0;
    while (sent < count) {
        const std::span<std::byte> room(
            memory.get(), static_cast<std::size_t>(std::min<std::uint64_t>(count - sent, copied_piece)));
        const std::size_t got = co_await source.read_at(offset + sent, room, token).configure_await(false);
        if (got == 0) break;
        const std::span<const std::byte> piece = room.first(got);
        co_await target.write(piece, token).configure_await(false);
        sent += got;
    }
    co_return sent;
}

template <class Stream>
task<std::uint64_t> send(Stream& target, const char* kind, fs::file& source, std::uint64_t offset, std::uint64_t count,
    cancellation_token token) {
    token.throw_if_cancellation_requested();
    detail::descriptor_state& to = detail::descriptor_access::state_of(target, kind);
    detail::descriptor_state& from = detail::descriptor_access::state_of(source, "file");
    const detail::descriptor_use using_target(to);
    const detail::descriptor_use using_source(from);
    std::uint64_t sent = 0;
    // Asked for nothing first, at once: a world without a kernel has no blocking threads either.
    bool is_able = !is_unable(to.driver().send_file(to.fd(), from.fd(), offset, 0));
    while (is_able && sent < count) {
        detail::io_request room(&to, nullptr, 0, token, POLLOUT);
        try {
            static_cast<void>(co_await room_operation(std::move(room)).configure_await(false));
        } catch (const object_disposed&) {
            // Closed between two pieces; it was open when this began.
        }
        if (to.is_closing()) throw operation_canceled(attempt_to_send_file(to) + " was canceled: it was closed meanwhile");
        const auto piece = static_cast<std::size_t>(std::min(count - sent, longest_piece));
        const std::uint64_t at = offset + sent;
        const auto call = [&to, &from, at, piece] { return to.driver().send_file(to.fd(), from.fd(), at, piece); };
        const std::int64_t moved = co_await run_blocking(call).configure_await(false);
        if (moved == 0) co_return sent;
        if (moved > 0) sent += static_cast<std::uint64_t>(moved);
        else if (is_unable(moved)) is_able = false;
        else if (to.is_closing())
            throw operation_canceled(attempt_to_send_file(to) + " was canceled: it was closed meanwhile");
        else if (moved != -EAGAIN)
            throw io_error(std::error_code(static_cast<int>(-moved), std::generic_category()),
                "send '" + from.name() + "' to '" + to.name() + "'");
    }
    if (sent == count) co_return sent;
    const std::uint64_t rest =
        co_await copy(target, source, offset + sent, count - sent, std::move(token)).configure_await(false);
    co_return sent + rest;
}

}  // namespace

task<std::uint64_t> send_file(
    tcp_stream& target, fs::file& source, std::uint64_t offset, std::uint64_t count, cancellation_token token) {
    return send(target, "tcp_stream", source, offset, count, std::move(token));
}

task<std::uint64_t> send_file(
    unix_stream& target, fs::file& source, std::uint64_t offset, std::uint64_t count, cancellation_token token) {
    return send(target, "unix_stream", source, offset, count, std::move(token));
}

}  // namespace weft::inline WEFT_ABI::net
