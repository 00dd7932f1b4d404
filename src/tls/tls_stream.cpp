// src/tls/tls_stream.cpp: the doors to a session.
// SPDX-License-Identifier: MIT

#include "weft/tls/tls_stream.hpp"

#include <algorithm>
#include <utility>

#include "tls/tls_session.hpp"
#include "weft/base/error.hpp"
#include "weft/io/net/tcp.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::net {

using detail::tls_session;

tls_stream::~tls_stream() {
    if (session_ != nullptr) tls_session::abandon(std::move(session_));
}

tls_session& tls_stream::session() const {
    if (session_ == nullptr) throw object_disposed("tls_stream");
    return *session_;
}

task<tls_stream> tls_stream::client_handshake(std::unique_ptr<detail::tls_transport> transport, tls_context context,
    std::string host, std::chrono::nanoseconds limit, cancellation_token token) {
    if (context.is_server()) throw invalid_operation("a client's handshake needs a client's tls_context");
    auto session = std::make_shared<tls_session>(std::move(transport), context.state()->current(), false, std::move(host));
    co_await tls_session::handshake(session, limit, std::move(token)).configure_await(false);
    co_return tls_stream(std::move(session));
}

task<tls_stream> tls_stream::server_handshake(std::unique_ptr<detail::tls_transport> transport, tls_context context,
    std::chrono::nanoseconds limit, cancellation_token token) {
    if (!context.is_server()) throw invalid_operation("a server's handshake needs a server's tls_context");
    auto session = std::make_shared<tls_session>(std::move(transport), context.state()->current(), true, std::string());
    co_await tls_session::handshake(session, limit, std::move(token)).configure_await(false);
    co_return tls_stream(std::move(session));
}

task<tls_stream> tls_stream::connect_to(
    std::string host, std::uint16_t port, tls_context context, std::chrono::nanoseconds limit, cancellation_token token) {
    task<tcp_stream> connecting = tcp_stream::connect(host, port, token);
    tcp_stream connected = co_await std::move(connecting).configure_await(false);
    task<tls_stream> shaking = connect(std::move(connected), std::move(context), std::move(host), limit, std::move(token));
    co_return co_await std::move(shaking).configure_await(false);
}

task<std::size_t> tls_stream::read(std::span<std::byte> buffer, cancellation_token token) {
    static_cast<void>(session());
    return tls_session::read(session_, buffer, std::move(token));
}

task<> tls_stream::read_exactly(std::span<std::byte> buffer, cancellation_token token) {
    const std::shared_ptr<tls_session> held = session_;
    static_cast<void>(session());
    while (!buffer.empty()) {
        const std::size_t count = co_await tls_session::read(held, buffer, token).configure_await(false);
        if (count == 0) {
            const std::string attempt = "read " + std::to_string(buffer.size()) + " more bytes from " + held->peer_text();
            throw tls_error(tls_errc::ended_early, attempt);
        }
        buffer = buffer.subspan(count);
    }
}

task<> tls_stream::write(std::span<const std::byte> data, cancellation_token token) {
    static_cast<void>(session());
    return tls_session::write(session_, data, std::move(token));
}

task<std::size_t> tls_stream::write_some(std::span<const std::byte> data, cancellation_token token) {
    constexpr std::size_t a_record = 16 * 1024;
    const std::shared_ptr<tls_session> held = session_;
    static_cast<void>(session());
    const std::span<const std::byte> part = data.first(std::min(data.size(), a_record));
    co_await tls_session::write(held, part, std::move(token)).configure_await(false);
    co_return part.size();
}

task<> tls_stream::shutdown_send(cancellation_token token) {
    static_cast<void>(session());
    return tls_session::shutdown_send(session_, std::move(token));
}

task<bool> tls_stream::shutdown(std::chrono::nanoseconds limit, cancellation_token token) {
    static_cast<void>(session());
    return tls_session::shutdown(session_, limit, std::move(token));
}

task<> tls_stream::close() {
    if (session_ == nullptr) return completed_task();
    return tls_session::close(session_);
}

bool tls_stream::is_open() const noexcept { return session_ != nullptr && session_->is_open(); }
std::string tls_stream::alpn() const { return session().alpn(); }
std::string tls_stream::server_name() const { return session().server_name(); }
tls_version tls_stream::version() const {
    return session().version() >= TLS1_3_VERSION ? tls_version::tls_1_3 : tls_version::tls_1_2;
}
std::string tls_stream::cipher() const { return session().cipher(); }
bool tls_stream::is_resumed() const { return session().is_resumed(); }
std::optional<tls_certificate> tls_stream::peer_certificate() const { return session().peer_certificate(); }

}  // namespace weft::inline WEFT_ABI::net
