#pragma once
// bench/support/tls.hpp: what the TLS programs without Weft share — errors, and a certificate made at start.
// SPDX-License-Identifier: MIT

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace bench {

[[noreturn]] inline void fail_tls(const char* what) {
    throw std::runtime_error(std::string(what) + " failed: " + ERR_error_string(ERR_get_error(), nullptr));
}

/// Gives `context` a new key (P-256, as Weft's make_self_signed) and a certificate for it that is its own issuer, and TLS 1.3 only.
inline void use_new_certificate(SSL_CTX* context) {
    const auto check = [](bool right, const char* what) {
        if (!right) fail_tls(what);
    };
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    check(key != nullptr, "making a key");
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    check(made != nullptr, "making a certificate");
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 24 * 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* name = X509_get_subject_name(made.get());
    const auto* host = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    check(X509_sign(made.get(), key.get(), EVP_sha256()) > 0, "signing the certificate");
    check(SSL_CTX_use_certificate(context, made.get()) == 1, "using the certificate");
    check(SSL_CTX_use_PrivateKey(context, key.get()) == 1, "using the key");
    check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1, "asking for TLS 1.3");
}

}  // namespace bench
