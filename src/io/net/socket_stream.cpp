// src/io/net/socket_stream.cpp: what connections of all families do alike.
// SPDX-License-Identifier: MIT

#include "weft/io/net/socket_stream.hpp"

#include <cerrno>
#include <string>

#include <poll.h>
#include <sys/socket.h>

#include "io/net/socket_options.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::net {

detail::descriptor_state& socket_stream::state() const {
    if (owner_.get() == nullptr) throw object_disposed(kind_);
    return *owner_.get();
}

detail::io_request socket_stream::request(const void* data, std::size_t size, cancellation_token&& token) const {
    return detail::io_request(&state(), const_cast<void*>(data), size, std::move(token));
}

detail::io_request socket_stream::request_ready(cancellation_token&& token) const {
    return detail::io_request(&state(), nullptr, 0, std::move(token), POLLIN);
}

task<> socket_stream::read_exactly(std::span<std::byte> buffer, cancellation_token token) {
    while (!buffer.empty()) {
        const std::size_t count = co_await read(buffer, token).configure_await(false);
        if (count == 0)
            detail::fail_socket(
                EPIPE, "read " + std::to_string(buffer.size()) + " more bytes from '" + state().name() + "'");
        buffer = buffer.subspan(count);
    }
}

void socket_stream::shutdown_send() {
    detail::descriptor_state& known = state();
    const detail::descriptor_use use(known);
    const int result = known.driver().shutdown(known.fd(), SHUT_WR);
    // A peer that has reset the connection needs no telling.
    if (result < 0 && result != -ENOTCONN) detail::fail_socket(-result, "shut down sending to '" + known.name() + "'");
}

bool socket_stream::is_quiet() const noexcept {
    detail::descriptor_state* const known = owner_.get();
    if (known == nullptr || !known->enter()) return false;
    const bool quiet = known->driver().peek(known->fd()) == -EAGAIN;
    known->leave();
    return quiet;
}

int socket_stream::native_handle() const {
    if (!owner_.is_open()) throw object_disposed(kind_);
    return state().fd();
}

}  // namespace weft::inline WEFT_ABI::net
