// src/tls/tls_session.cpp: visits to OpenSSL under the lock, and between them the transport.
// SPDX-License-Identifier: MIT

#include "tls/tls_session.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "tls/certificate_text.hpp"
#include "weft/base/error.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

/// A token that also fires after a time, and leaves no timer behind.
class limited_token {
public:
    limited_token(const cancellation_token& token, std::chrono::nanoseconds limit)
        : source_(cancellation_source::linked(token)) {
        source_.cancel_after(limit);
    }
    ~limited_token() { source_.dispose(); }
    limited_token(const limited_token&) = delete;
    limited_token& operator=(const limited_token&) = delete;
    [[nodiscard]] cancellation_token token() const { return source_.token(); }
    [[nodiscard]] bool has_fired() const noexcept { return source_.is_cancellation_requested(); }

private:
    cancellation_source source_;
};

/// "10 s", "250 ms"
std::string text_of(std::chrono::nanoseconds limit) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
    return milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s" : std::to_string(milliseconds) + " ms";
}

std::string without_dot(std::string host) {
    if (host.size() > 1 && host.ends_with('.')) host.pop_back();
    return host;
}

}  // namespace

// ---- making

tls_session::tls_session(
    std::unique_ptr<tls_transport> transport, std::shared_ptr<tls_material> material, bool server, std::string host)
    : transport_(std::move(transport)),
      material_(std::move(material)),
      server_(server),
      host_(without_dot(std::move(host))),
      ssl_(::SSL_new(material_->context())) {
    BIO* inside = nullptr;
    BIO* outside = nullptr;
    bio_ptr outlet = outlet_to(made_);
    // Nothing is written on the inside, whose buffer may be as small as it can.
    if (ssl_ == nullptr || outlet == nullptr || ::BIO_new_bio_pair(&inside, 1, &outside, pair_size) != 1)
        throw_openssl_error("make a TLS connection");
    outside_.reset(outside);
    ::SSL_set_bio(ssl_.get(), inside, outlet.release());
    SSL_set_app_data(ssl_.get(), &owner_);
    if (server_) ::SSL_set_accept_state(ssl_.get());
    else prepare_client();
}

tls_session::~tls_session() {
    // Ended without a close_notify or not: its session may be resumed, unless the connection failed.
    if (!failure_) ::SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void tls_session::prepare_client() {
    SSL* const ssl = ssl_.get();
    ::SSL_set_connect_state(ssl);
    const bool number = net::endpoint::try_from_address(host_, 0).has_value();
    if (!number && SSL_set_tlsext_host_name(ssl, host_.c_str()) != 1) throw_openssl_error("ask for '" + host_ + "'");
    if (material_->verifies()) {
        X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(ssl);
        ::X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        const int set = number ? ::X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str())
                               : ::X509_VERIFY_PARAM_set1_host(wanted, host_.c_str(), host_.size());
        // An empty name would be no check at all.
        if (set != 1 || host_.empty())
            throw net::tls_error(net::certificate_error(X509_V_ERR_HOSTNAME_MISMATCH), "connect to '" + host_ + "' by TLS");
    }
    // Of one host and port, whatever its address.
    const std::string peer = transport_->peer();
    owner_.material = material_.get();
    owner_.host = host_ + '|' + peer.substr(peer.rfind(':') + 1);
    if (const session_ptr earlier = material_->sessions().take(owner_.host)) ::SSL_set_session(ssl, earlier.get());
}

// ---- visits

tls_visit tls_session::outcome(int result) noexcept {
    tls_visit seen;
    seen.output_waits = !made_.empty();
    seen.received = received_;
    if (result == 1) return seen;
    switch (::SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ: seen.step = tls_step::input; return seen;
        case SSL_ERROR_WANT_WRITE: seen.step = tls_step::output; return seen;
        case SSL_ERROR_ZERO_RETURN: seen.step = tls_step::ended; return seen;
        default: break;
    }
    seen.step = tls_step::failed;
    const unsigned long first = ::ERR_peek_error();
    const long refused = ::SSL_get_verify_result(ssl_.get());
    const bool certificate = ERR_GET_LIB(first) == ERR_LIB_SSL && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    seen.error = take_openssl_error();
    if (certificate && refused != X509_V_OK) seen.error = net::certificate_error(static_cast<int>(refused));
    failure_ = seen.error;
    return seen;
}

tls_visit tls_session::visit_handshake() {
    const std::lock_guard guard(mutex_);
    ::ERR_clear_error();
    return outcome(::SSL_do_handshake(ssl_.get()));
}

tls_visit tls_session::visit_read(std::span<std::byte> buffer) {
    const std::lock_guard guard(mutex_);
    tls_visit seen;
    if (failure_) {
        seen.step = tls_step::failed;
        seen.error = failure_;
        return seen;
    }
    ::ERR_clear_error();
    std::size_t count = 0;
    seen = outcome(::SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count));
    seen.count = count;
    return seen;
}

// Moves what OpenSSL has made to be sent. Under mutex_ and sending_.
void tls_session::drain() {
    if (out_.empty()) out_.swap(made_);
    else append(out_, made_.data(), made_.size());
    made_.clear();
}

// A message of the peer's of which a reader has met a part, such as a session ticket of two records, puts OpenSSL back into a handshake,
// where it neither writes nor says good-bye. Under mutex_, and with made_ empty. @returns input while the rest is missing
tls_visit tls_session::visit_unfinished() noexcept {
    if (::SSL_in_init(ssl_.get()) == 0) return {};
    ::ERR_clear_error();
    return outcome(::SSL_do_handshake(ssl_.get()));
}

tls_visit tls_session::encrypt(std::span<const std::byte> data) {
    const std::lock_guard guard(mutex_);
    if (send_closed_) throw net::tls_error(net::tls_errc::send_closed, "write to " + peer_text());
    if (failure_) throw net::tls_error(failure_, "write to " + peer_text());
    drain();
    tls_visit seen = visit_unfinished();
    std::size_t taken = 0;
    made_.reserve(std::min(data.size(), send_at_once) + records_overhead);
    while (seen.step == tls_step::done && taken < data.size() && taken < send_at_once) {
        ::ERR_clear_error();
        std::size_t count = 0;
        const std::size_t wanted = std::min(data.size() - taken, largest_record);
        seen = outcome(::SSL_write_ex(ssl_.get(), data.data() + taken, wanted, &count));
        taken += count;
    }
    if (seen.step == tls_step::failed) throw net::tls_error(seen.error, "write to " + peer_text());
    const bool waits = seen.step == tls_step::input && taken == 0;
    if (seen.step != tls_step::done && !waits) throw net::tls_error(net::tls_errc::protocol, "write to " + peer_text());
    drain();
    seen.count = taken;
    return seen;
}

tls_visit tls_session::say_goodbye() {
    const std::lock_guard guard(mutex_);
    drain();
    tls_visit seen;
    if (!send_closed_ && !failure_) seen = visit_unfinished();
    if (!send_closed_ && !failure_ && seen.step == tls_step::done) {
        ::ERR_clear_error();
        ::SSL_shutdown(ssl_.get());
        send_closed_ = (::SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
        if (!send_closed_) throw_openssl_error("say good-bye to " + peer_text());
        ::ERR_clear_error();
    }
    drain();
    if (seen.step != tls_step::input) seen.step = tls_step::done;
    return seen;
}

void tls_session::refill_output() {
    const std::lock_guard guard(mutex_);
    if (out_.capacity() > kept_room) tls_bytes().swap(out_);
    out_.clear();
    sent_ = 0;
    drain();
}

// ---- the transport

// Under sending_. A cancelled one leaves the rest in out_, and what was sent is counted there.
task<> tls_session::send_output(cancellation_token token) {
    for (;;) {
        if (sent_ == out_.size()) refill_output();
        if (out_.empty()) co_return;
        const std::span<const std::byte> rest = std::span<const std::byte>(out_).subspan(sent_);
        try {
            task<std::size_t> sending = transport_->write_some(rest, token);
            sent_ += co_await std::move(sending).configure_await(false);
        } catch (const object_disposed&) {
            throw_closed("write to ");
        }
    }
}

// @param seen  tls_visit::received of the visit that needed input: what has come since is to be looked at first
// @returns false when the transport has ended
task<bool> tls_session::receive(std::uint64_t seen, cancellation_token token) {
    const async_mutex::guard turn = co_await receiving_.lock(token).configure_await(false);
    if (has_received_since(seen)) co_return true;
    if (input_ended_) co_return false;
    const std::span<std::byte> room = room_for_input();
    std::size_t count = 0;
    try {
        task<std::size_t> receiving = transport_->read(room, std::move(token));
        count = co_await std::move(receiving).configure_await(false);
    } catch (const object_disposed&) {
        throw_closed("read from ");
    }
    if (count == 0) {
        input_ended_ = true;
        co_return false;
    }
    take_input(count);
    co_return true;
}

// Where the pair keeps what comes next, so that it need not be copied there. Under receiving_. Who needs input has emptied the pair's side,
// and nobody else fills it, so the room is all of the side and stays where it is until take_input().
std::span<std::byte> tls_session::room_for_input() {
    const std::lock_guard guard(mutex_);
    char* room = nullptr;
    const int size = ::BIO_nwrite0(outside_.get(), &room);
    if (size <= 0) throw net::tls_error(net::tls_errc::protocol, "read from " + peer_text());
    return {reinterpret_cast<std::byte*>(room), static_cast<std::size_t>(size)};
}

// The first `count` bytes of room_for_input() have come.
void tls_session::take_input(std::size_t count) {
    const std::lock_guard guard(mutex_);
    char* room = nullptr;
    const int taken = ::BIO_nwrite(outside_.get(), &room, static_cast<int>(count));
    if (taken != static_cast<int>(count)) throw net::tls_error(net::tls_errc::protocol, "read from " + peer_text());
    ++received_;
}

bool tls_session::has_received_since(std::uint64_t seen) const {
    const std::lock_guard guard(mutex_);
    return received_ != seen;
}

// By a writer, who holds sending_ meanwhile. Whoever receives gets all the peer sends, so this ends when the peer ends its message.
task<> tls_session::receive_to_write(std::uint64_t seen, cancellation_token token) {
    const bool more = co_await receive(seen, std::move(token)).configure_await(false);
    if (!more) throw net::tls_error(net::tls_errc::truncated, "write to " + peer_text());
}

task<> tls_session::send_in_background(ptr self) {
    try {
        const async_mutex::guard turn = co_await self->sending_.lock().configure_await(false);
        self->background_.store(
            false, std::memory_order_relaxed);  // before looking at what is to be sent: sending_ orders it
        co_await self->send_output(cancellation_token()).configure_await(false);
    } catch (...) {
        // Who writes or reads meets the same.
    }
}

// ---- the handshake

task<> tls_session::exchange(cancellation_token token) {
    for (;;) {
        const tls_visit seen = visit_handshake();
        std::exception_ptr unsent;
        try {
            co_await send_output(token).configure_await(false);
        } catch (const io_error&) {
            unsent = std::current_exception();
        }
        // OpenSSL's own reason tells more than that its alert could not be sent.
        if (seen.step == tls_step::failed) throw net::tls_error(seen.error, "TLS handshake with " + peer_text());
        if (unsent != nullptr) std::rethrow_exception(unsent);
        if (seen.step == tls_step::done) co_return;
        if (seen.step == tls_step::output) continue;
        const bool more = co_await receive(seen.received, token).configure_await(false);
        if (!more) throw net::tls_error(net::tls_errc::ended_early, "TLS handshake with " + peer_text());
    }
}

task<> tls_session::handshake(ptr self, std::chrono::nanoseconds limit, cancellation_token token) {
    std::exception_ptr failure;
    {
        const limited_token stop(token, limit);
        try {
            self->transport_->send_at_once();
            co_await self->exchange(stop.token()).configure_await(false);
            co_return;
        } catch (const operation_canceled&) {
            const std::string what = "TLS handshake with " + self->peer_text();
            if (token.is_cancellation_requested())
                failure = std::make_exception_ptr(operation_canceled(what + " was canceled", token));
            else if (stop.has_fired())
                failure = std::make_exception_ptr(timeout_exception(what + " took longer than " + text_of(limit)));
            else failure = std::current_exception();
        } catch (...) {
            failure = std::current_exception();
        }
    }
    co_await close(self).configure_await(false);
    std::rethrow_exception(failure);
}

// ---- operations

void tls_session::check_open() const {
    if (!is_open()) throw object_disposed("tls_stream");
}

// close() came while an operation was between two visits to the transport: it ends as one that was waiting there.
void tls_session::throw_closed(const char* attempt) const {
    throw operation_canceled(attempt + peer_text() + " was canceled: it was closed meanwhile");
}

task<std::size_t> tls_session::read(ptr self, std::span<std::byte> buffer, cancellation_token token) {
    token.throw_if_cancellation_requested();
    self->check_open();
    if (buffer.empty()) co_return 0;
    for (;;) {
        const tls_visit seen = self->visit_read(buffer);
        if (seen.output_waits && !self->background_.exchange(true, std::memory_order_relaxed)) {
            static_cast<void>(send_in_background(self));
        }
        switch (seen.step) {
            case tls_step::done: co_return seen.count;
            case tls_step::ended: co_return 0;
            case tls_step::failed: throw net::tls_error(seen.error, "read from " + self->peer_text());
            case tls_step::output: {
                // Answers fill made_, so a sender is at work or about to be: wait for it.
                const async_mutex::guard turn = co_await self->sending_.lock(token).configure_await(false);
                co_await self->send_output(token).configure_await(false);
                continue;
            }
            case tls_step::input: break;
        }
        const bool more = co_await self->receive(seen.received, token).configure_await(false);
        if (!more) throw net::tls_error(net::tls_errc::truncated, "read from " + self->peer_text());
    }
}

task<> tls_session::write(ptr self, std::span<const std::byte> data, cancellation_token token) {
    self->check_open();
    const async_mutex::guard turn = co_await self->sending_.lock(token).configure_await(false);
    // What a cancelled write has left.
    if (self->sent_ != self->out_.size()) co_await self->send_output(token).configure_await(false);
    while (!data.empty()) {
        token.throw_if_cancellation_requested();
        if (self->sent_ == self->out_.size()) self->refill_output();
        const tls_visit seen = self->encrypt(data);
        data = data.subspan(seen.count);
        co_await self->send_output(token).configure_await(false);
        if (seen.step == tls_step::input) co_await self->receive_to_write(seen.received, token).configure_await(false);
    }
}

task<> tls_session::shutdown_send(ptr self, cancellation_token token) {
    self->check_open();
    const async_mutex::guard turn = co_await self->sending_.lock(token).configure_await(false);
    for (;;) {
        const tls_visit seen = self->say_goodbye();
        co_await self->send_output(token).configure_await(false);
        if (seen.step != tls_step::input) co_return;
        co_await self->receive_to_write(seen.received, token).configure_await(false);
    }
}

task<bool> tls_session::shutdown(ptr self, std::chrono::nanoseconds limit, cancellation_token token) {
    const limited_token stop(token, limit);
    try {
        co_await shutdown_send(self, stop.token()).configure_await(false);
        std::vector<std::byte> discarded(4096);
        for (;;) {
            const std::size_t count =
                co_await read(self, std::span<std::byte>(discarded), stop.token()).configure_await(false);
            if (count == 0) co_return true;
        }
    } catch (const operation_canceled&) {
        if (token.is_cancellation_requested()) throw;
    } catch (const io_error&) {
        // The peer has gone without a word.
    }
    co_return false;
}

task<> tls_session::close(ptr self) {
    if (self->closed_.exchange(true, std::memory_order_acq_rel)) co_return;
    try {
        task<> closing = self->transport_->close();
        co_await std::move(closing).configure_await(false);
    } catch (const io_error&) {
        // It is closed all the same.
    }
}

void tls_session::abandon(ptr self) noexcept {
    // Without operations the last owner takes the transport along.
    if (self.use_count() == 1 || !self->is_open()) return;
    try {
        static_cast<void>(close(std::move(self)));
    } catch (...) {
        // Out of memory: its operations go on until the peer ends them.
    }
}

// ---- what the handshake agreed upon

std::string tls_session::peer_text() const {
    const std::string peer = transport_->peer();
    std::string text = server_ ? "the client" : "'" + host_ + "'";
    if (!peer.empty()) text += " at " + peer;
    return text;
}

std::string tls_session::alpn() const {
    const std::lock_guard guard(mutex_);
    const unsigned char* name = nullptr;
    unsigned size = 0;
    ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
}

std::string tls_session::server_name() const {
    if (!server_) return host_;
    const std::lock_guard guard(mutex_);
    const char* const name = ::SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? std::string() : std::string(name);
}

int tls_session::version() const {
    const std::lock_guard guard(mutex_);
    return ::SSL_version(ssl_.get());
}

std::string tls_session::cipher() const {
    const std::lock_guard guard(mutex_);
    return ::SSL_get_cipher_name(ssl_.get());
}

bool tls_session::is_resumed() const {
    const std::lock_guard guard(mutex_);
    return ::SSL_session_reused(ssl_.get()) == 1;
}

std::optional<net::tls_certificate> tls_session::peer_certificate() const {
    const std::lock_guard guard(mutex_);
    const x509_ptr shown(::SSL_get1_peer_certificate(ssl_.get()));
    if (shown == nullptr) return std::nullopt;
    return describe(*shown);
}

}  // namespace weft::inline WEFT_ABI::detail
