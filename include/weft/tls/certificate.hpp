#pragma once
// <weft/tls/certificate.hpp>: what a certificate says, and one made on the spot for tests and development.
// Follows System.Security.Cryptography.X509Certificates.X509Certificate2, of which it is a small part.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::net {

/// A certificate as its bearer showed it. A value.
struct tls_certificate {
    std::string subject;             ///< "CN=db.local,O=Weft", as RFC 2253 writes it
    std::string issuer;              ///< likewise
    std::vector<std::string> names;  ///< the subject's alternative names: DNS names and IP addresses
    std::string fingerprint;         ///< SHA-256 over the certificate, 64 digits in lower case
    std::string serial;              ///< hexadecimal
    std::chrono::system_clock::time_point not_before, not_after;
    std::string pem;  ///< the certificate itself

    /// Reads the first certificate of `pem`. @throws tls_error  when there is none
    [[nodiscard]] static tls_certificate parse(std::string_view pem);
};

/// A certificate with its key, both in PEM.
struct tls_identity {
    std::string certificate;
    std::string key;
};

/// Makes a certificate that is its own issuer, for tests and development: who connects must trust exactly this one
/// (tls_context_builder::trust_pem). P-256; valid from an hour ago.
///
/// @param names  host names (also "*.example.test") and IP addresses; the first is the subject
/// @throws std::invalid_argument  for no name;  tls_error  when OpenSSL fails
[[nodiscard]] tls_identity make_self_signed(
    std::span<const std::string_view> names, std::chrono::hours valid = std::chrono::hours(24 * 30));

}  // namespace weft::inline WEFT_ABI::net
