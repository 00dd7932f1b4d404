#pragma once
// src/tls/openssl.hpp: owners of OpenSSL's objects, and its errors as ours.
// SPDX-License-Identifier: MIT

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "weft/base/config.hpp"
#include "weft/tls/tls_error.hpp"

namespace weft::inline WEFT_ABI::detail {

template <auto Free>
struct openssl_free {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, openssl_free<&::SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_free<&::SSL_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_free<&::BIO_free_all>>;
using x509_ptr = std::unique_ptr<X509, openssl_free<&::X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free<&::EVP_PKEY_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, openssl_free<&::SSL_SESSION_free>>;

/// The oldest error that OpenSSL has noted on this thread; the others are forgotten. tls_errc::protocol when there is none.
[[nodiscard]] std::error_code take_openssl_error() noexcept;
/// Throws it as a tls_error.
[[noreturn]] void throw_openssl_error(const std::string& attempt);

/// Reads PEM that lies in memory.
[[nodiscard]] bio_ptr reader_of(std::string_view text);
/// Every certificate of `pem`, in order. @param name  of the text, for errors. @throws tls_error  when there is none
[[nodiscard]] std::vector<x509_ptr> certificates_of(std::string_view pem, const std::string& name);

}  // namespace weft::inline WEFT_ABI::detail
