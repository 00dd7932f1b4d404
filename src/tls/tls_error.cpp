// src/tls/tls_error.cpp: OpenSSL's reasons as error codes.
// SPDX-License-Identifier: MIT

#include "weft/tls/tls_error.hpp"

#include "tls/openssl.hpp"

namespace weft::inline WEFT_ABI {

namespace net {

namespace {

/// Values below zero are tls_errc, the others packed by OpenSSL.
class tls_category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "tls"; }
    [[nodiscard]] std::string message(int error) const override {
        switch (static_cast<tls_errc>(error)) {
            case tls_errc::truncated: return "the connection ended without a close_notify, what was read may be cut short";
            case tls_errc::ended_early: return "the peer closed the connection";
            case tls_errc::send_closed: return "nothing can be written after shutdown_send()";
            case tls_errc::no_certificate: return "a server needs a certificate";
            case tls_errc::no_trust:
                return "a server that asks clients for certificates must be told whom to trust: by trust_file(), "
                       "trust_pem() or trust_system(true)";
            case tls_errc::protocol: return "the protocol was broken";
        }
        const char* reason = ::ERR_reason_error_string(static_cast<unsigned long>(error));
        return reason != nullptr ? reason : "an error that OpenSSL has no words for";
    }
};

class certificate_category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "certificate"; }
    [[nodiscard]] std::string message(int result) const override { return ::X509_verify_cert_error_string(result); }
};

const tls_category& the_tls_category() noexcept {
    static const tls_category category;
    return category;
}
const certificate_category& the_certificate_category() noexcept {
    static const certificate_category category;
    return category;
}

}  // namespace

std::error_code certificate_error(int result) noexcept { return {result, the_certificate_category()}; }
std::error_code make_error_code(tls_errc error) noexcept { return {static_cast<int>(error), the_tls_category()}; }

bool tls_error::is_certificate_refused() const noexcept { return code().category() == the_certificate_category(); }
bool tls_error::is_truncation() const noexcept { return code() == make_error_code(tls_errc::truncated); }

}  // namespace net

namespace detail {

std::error_code take_openssl_error() noexcept {
    const unsigned long found = ::ERR_get_error();
    ::ERR_clear_error();
    if (found == 0) return net::make_error_code(net::tls_errc::protocol);
    if (ERR_SYSTEM_ERROR(found)) return {ERR_GET_REASON(found), std::generic_category()};
    return {static_cast<int>(found), net::make_error_code(net::tls_errc::protocol).category()};
}

void throw_openssl_error(const std::string& attempt) { throw net::tls_error(take_openssl_error(), attempt); }

bio_ptr reader_of(std::string_view text) {
    bio_ptr made(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (made == nullptr) throw_openssl_error("read PEM");
    return made;
}

std::vector<x509_ptr> certificates_of(std::string_view pem, const std::string& name) {
    ::ERR_clear_error();
    const bio_ptr reader = reader_of(pem);
    std::vector<x509_ptr> found;
    while (X509* const each = ::PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) found.emplace_back(each);
    const unsigned long end = ::ERR_peek_last_error();
    const bool is_end = ERR_GET_LIB(end) == ERR_LIB_PEM && ERR_GET_REASON(end) == PEM_R_NO_START_LINE;
    if (found.empty() || !is_end) throw_openssl_error("read the certificates of " + name);
    ::ERR_clear_error();
    return found;
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
