// src/tls/certificate.cpp: reading certificates, and making one that is its own issuer.
// SPDX-License-Identifier: MIT

#include "weft/tls/certificate.hpp"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include <openssl/rand.h>

#include "tls/certificate_text.hpp"
#include "tls/openssl.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

namespace {

std::string text_of(BIO& memory) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(&memory, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

bio_ptr writer() {
    bio_ptr made(::BIO_new(::BIO_s_mem()));
    if (made == nullptr) throw_openssl_error("make a buffer");
    return made;
}

std::string name_text(const X509_NAME* name) {
    const bio_ptr out = writer();
    ::X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return text_of(*out);
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

std::chrono::system_clock::time_point instant(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ::ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::vector<std::string> alternative_names(const X509& certificate) {
    std::vector<std::string> names;
    auto* const list =
        static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
        const GENERAL_NAME* const each = sk_GENERAL_NAME_value(list, i);
        if (each->type == GEN_DNS) {
            const auto* bytes = reinterpret_cast<const char*>(::ASN1_STRING_get0_data(each->d.dNSName));
            names.emplace_back(bytes, static_cast<std::size_t>(::ASN1_STRING_length(each->d.dNSName)));
        } else if (each->type == GEN_IPADD) {
            const int size = ::ASN1_STRING_length(each->d.iPAddress);
            const unsigned char* bytes = ::ASN1_STRING_get0_data(each->d.iPAddress);
            if (size == 4 || size == 16) names.push_back(net::endpoint::from_bytes(size == 16, bytes, 0).address());
        }
    }
    ::GENERAL_NAMES_free(list);
    return names;
}

std::string serial_of(X509& certificate) {
    const ASN1_INTEGER* const number = ::X509_get0_serialNumber(&certificate);
    return hexadecimal(::ASN1_STRING_get0_data(number), static_cast<std::size_t>(::ASN1_STRING_length(number)));
}

std::string pem_of(X509& certificate) {
    const bio_ptr out = writer();
    if (::PEM_write_bio_X509(out.get(), &certificate) != 1) throw_openssl_error("write a certificate");
    return text_of(*out);
}

std::string pem_of(EVP_PKEY& key) {
    const bio_ptr out = writer();
    if (::PEM_write_bio_PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw_openssl_error("write a key");
    return text_of(*out);
}

/// "DNS:a,IP:1.2.3.4", of names that mean nothing else to OpenSSL's little language.
std::string alternative_text(std::span<const std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) {
        const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                c == '*' || c == ':' || c == '_';
        });
        if (!plain) throw std::invalid_argument("'" + std::string(name) + "' is no name for a certificate");
        if (!text.empty()) text += ',';
        text += net::endpoint::try_from_address(name, 0) ? "IP:" : "DNS:";
        text += name;
    }
    return text;
}

void extend(X509& certificate, int extension, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    ::X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const made = ::X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str());
    if (made == nullptr) throw_openssl_error("make a certificate's extension '" + value + "'");
    ::X509_add_ext(&certificate, made, -1);
    ::X509_EXTENSION_free(made);
}

}  // namespace

net::tls_certificate describe(X509& certificate) {
    net::tls_certificate result;
    result.subject = name_text(::X509_get_subject_name(&certificate));
    result.issuer = name_text(::X509_get_issuer_name(&certificate));
    result.names = alternative_names(certificate);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (::X509_digest(&certificate, ::EVP_sha256(), digest, &size) == 1) result.fingerprint = hexadecimal(digest, size);
    result.serial = serial_of(certificate);
    result.not_before = instant(::X509_get0_notBefore(&certificate));
    result.not_after = instant(::X509_get0_notAfter(&certificate));
    result.pem = pem_of(certificate);
    return result;
}

}  // namespace detail

namespace net {

using namespace detail;

tls_certificate tls_certificate::parse(std::string_view pem) {
    const std::vector<x509_ptr> found = certificates_of(pem, "a text");
    return describe(*found.front());
}

tls_identity make_self_signed(std::span<const std::string_view> names, std::chrono::hours valid) {
    if (names.empty()) throw std::invalid_argument("make_self_signed needs a name");
    const std::string attempt = "make a certificate for '" + std::string(names.front()) + "'";
    const std::string alternatives = alternative_text(names);
    const key_ptr key(EVP_EC_gen("P-256"));
    const x509_ptr made(::X509_new());
    if (key == nullptr || made == nullptr) throw_openssl_error(attempt);
    unsigned char number[16];
    ::RAND_bytes(number, sizeof number);
    number[0] = static_cast<unsigned char>((number[0] & 0x7f) | 0x40);  // positive, and of full length
    BIGNUM* const big = ::BN_bin2bn(number, sizeof number, nullptr);
    ::BN_to_ASN1_INTEGER(big, ::X509_get_serialNumber(made.get()));
    ::BN_free(big);
    ::X509_set_version(made.get(), X509_VERSION_3);
    ::X509_gmtime_adj(::X509_getm_notBefore(made.get()), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(made.get()), std::chrono::seconds(valid).count());
    X509_NAME* const subject = ::X509_get_subject_name(made.get());
    const auto* common = reinterpret_cast<const unsigned char*>(names.front().data());
    ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, common, static_cast<int>(names.front().size()), -1, 0);
    ::X509_set_issuer_name(made.get(), subject);
    ::X509_set_pubkey(made.get(), key.get());
    extend(*made, NID_basic_constraints, "critical,CA:FALSE");
    extend(*made, NID_key_usage, "critical,digitalSignature,keyCertSign");
    extend(*made, NID_ext_key_usage, "serverAuth,clientAuth");
    extend(*made, NID_subject_alt_name, alternatives);
    if (::X509_sign(made.get(), key.get(), ::EVP_sha256()) == 0) throw_openssl_error(attempt);
    tls_identity result;
    result.certificate = pem_of(*made);
    result.key = pem_of(*key);
    return result;
}

}  // namespace net

}  // namespace weft::inline WEFT_ABI
