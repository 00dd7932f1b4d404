#pragma once
// src/tls/tls_session.hpp: one TLS connection: OpenSSL's state between two buffers, and the operations that move the bytes.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tls/openssl.hpp"
#include "tls/outlet.hpp"
#include "tls/tls_material.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/async_mutex.hpp"
#include "weft/task/task.hpp"
#include "weft/tls/tls_stream.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What a visit to OpenSSL came to.
enum class tls_step : std::uint8_t {
    done,    ///< bytes, or the handshake's end
    input,   ///< needs more of the peer
    output,  ///< needs room for its output
    ended,   ///< the peer's close_notify
    failed   ///< see tls_visit::error
};
struct tls_visit {
    tls_step step = tls_step::done;
    std::size_t count = 0;
    bool output_waits = false;   ///< something is to be sent
    std::uint64_t received = 0;  ///< how often bytes had been received by then
    std::error_code error;
};

/// OpenSSL reads from one side of a pair of memory buffers, writes into `made_`, and sees no socket. Four things keep its state whole:
///  - `mutex_` guards the SSL object, the pair and `made_`; each visit takes it, and none awaits under it.
///  - `sending_` is held by who takes encrypted bytes out and sends them, so they leave in the order they were made. What was taken
///    out and not sent, because the sender was cancelled, stays in `out_` for the next.
///  - `receiving_` is held by who receives, into the pair. That is the reader; or a writer whom a message of the
///    peer's that has half arrived (a session ticket) keeps from writing, when nobody reads. Who gets it after another has received
///    looks at OpenSSL again first.
/// A reader never waits for a sender, unless answers for 80 KiB lie unsent: what its visits make to be sent (an answer to a KeyUpdate, an alert) goes out by a task of its
/// own. Otherwise two peers that both only write would wait for each other for ever.
class tls_session {
public:
    using ptr = std::shared_ptr<tls_session>;

    tls_session(
        std::unique_ptr<tls_transport> transport, std::shared_ptr<tls_material> material, bool server, std::string host);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    // Each keeps the session alive until it has ended.
    static task<> handshake(ptr self, std::chrono::nanoseconds limit, cancellation_token token);
    static task<std::size_t> read(ptr self, std::span<std::byte> buffer, cancellation_token token);
    static task<> write(ptr self, std::span<const std::byte> data, cancellation_token token);
    static task<> shutdown_send(ptr self, cancellation_token token);
    static task<bool> shutdown(ptr self, std::chrono::nanoseconds limit, cancellation_token token);
    static task<> close(ptr self);
    /// Nobody has the stream any more: ends what is pending.
    static void abandon(ptr self) noexcept;

    [[nodiscard]] bool is_open() const noexcept { return !closed_.load(std::memory_order_acquire); }
    [[nodiscard]] std::string alpn() const;
    [[nodiscard]] std::string server_name() const;
    [[nodiscard]] int version() const;
    [[nodiscard]] std::string cipher() const;
    [[nodiscard]] bool is_resumed() const;
    [[nodiscard]] std::optional<net::tls_certificate> peer_certificate() const;
    /// "'db.local' at 10.0.0.7:5432", "the client at 127.0.0.1:3344"
    [[nodiscard]] std::string peer_text() const;

private:
    static constexpr std::size_t largest_record = 16 * 1024;
    static constexpr std::size_t pair_size = 20 * 1024;  ///< more than a record and its overhead
    static constexpr std::size_t send_at_once = 64 * 1024;
    static constexpr std::size_t records_overhead = 1024;  ///< of so many bytes
    static constexpr std::size_t kept_room = 32 * 1024;    ///< of a buffer of output that has been sent

    void prepare_client();
    void check_open() const;
    [[noreturn]] void throw_closed(const char* attempt) const;
    [[nodiscard]] tls_visit visit_handshake();
    [[nodiscard]] tls_visit visit_read(std::span<std::byte> buffer);
    [[nodiscard]] tls_visit visit_unfinished() noexcept;
    /// Encrypts records of `data` into `out_`. @returns how much of it; or tls_step::input, and nothing was taken
    [[nodiscard]] tls_visit encrypt(std::span<const std::byte> data);
    /// @returns done, also when the connection has failed; or input, and nothing was said
    [[nodiscard]] tls_visit say_goodbye();
    [[nodiscard]] tls_visit outcome(int result) noexcept;
    void drain();
    void refill_output();

    task<> exchange(cancellation_token token);
    task<> send_output(cancellation_token token);
    task<bool> receive(std::uint64_t seen, cancellation_token token);
    [[nodiscard]] std::span<std::byte> room_for_input();
    void take_input(std::size_t count);
    [[nodiscard]] bool has_received_since(std::uint64_t seen) const;
    task<> receive_to_write(std::uint64_t seen, cancellation_token token);
    static task<> send_in_background(ptr self);

    const std::unique_ptr<tls_transport> transport_;
    const std::shared_ptr<tls_material> material_;
    const bool server_;
    const std::string host_;  ///< as the certificate must bear it; of a client
    session_owner owner_;

    mutable std::mutex mutex_;
    tls_bytes made_;  ///< to be sent; the outlet of ssl_, which it therefore outlives
    ssl_ptr ssl_;
    bio_ptr outside_;  ///< our end of the pair
    std::uint64_t received_ = 0;
    bool send_closed_ = false;
    std::error_code failure_;  ///< of the connection, for good: OpenSSL itself tells it once, and then an end

    async_mutex sending_;
    tls_bytes out_;
    std::size_t sent_ = 0;  ///< of out_

    async_mutex receiving_;
    bool input_ended_ = false;

    std::atomic<bool> closed_{false};
    std::atomic<bool> background_{false};  ///< a task is about to send
};

}  // namespace weft::inline WEFT_ABI::detail
