#pragma once
// <weft/tls/tls_error.hpp>: what a TLS connection or its certificates failed with.
// Follows System.Security.Authentication.AuthenticationException.
// SPDX-License-Identifier: MIT

#include <string>
#include <system_error>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::net {

/// Reasons of a tls_error that are our own; the others are OpenSSL's.
enum class tls_errc : int {
    truncated = -1,       ///< the transport ended without the peer's close_notify: what was read may be cut short
    ended_early = -2,     ///< the peer closed the connection in the handshake
    send_closed = -3,     ///< written after shutdown_send()
    no_certificate = -4,  ///< a server's context was built without one
    protocol = -5,        ///< OpenSSL gives no reason
    no_trust = -6         ///< a server's context was built that asks clients for certificates and trusts nobody's
};

/// Why a peer's certificate was not taken: the values of X509_V_ERR_…, as codes of the category "certificate", such as 10, "certificate
/// has expired". @param result  0: it was taken
[[nodiscard]] std::error_code certificate_error(int result) noexcept;

/// A failed handshake, a broken or truncated stream, a certificate that cannot be used.
///
/// what(): "TLS handshake with 'db.local' at 10.0.0.7:5432 failed: certificate has expired (certificate 10)". code() is of the category
/// "certificate" (X509_V_ERR_…) when the peer's certificate was refused, else of "tls": a tls_errc, or OpenSSL's packed error.
class tls_error : public io_error {
public:
    using io_error::io_error;

    /// Whether the peer's certificate was the reason.
    [[nodiscard]] bool is_certificate_refused() const noexcept;
    /// Whether the stream ended without a close_notify.
    [[nodiscard]] bool is_truncation() const noexcept;
};

[[nodiscard]] std::error_code make_error_code(tls_errc error) noexcept;

}  // namespace weft::inline WEFT_ABI::net

template <>
struct std::is_error_code_enum<weft::net::tls_errc> : std::true_type {};
