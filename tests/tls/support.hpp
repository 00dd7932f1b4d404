#pragma once
// tests/tls/support.hpp: an authority that signs what the tests need, and both ends of a TLS connection.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/support.hpp"
#include "weft/base/error.hpp"
#include "weft/tls/tls_context.hpp"
#include "weft/tls/tls_stream.hpp"

namespace weft_test {

/// What the authority writes into a certificate.
struct certificate_wish {
    std::string subject = "server.test";
    std::string names = "DNS:server.test,DNS:*.wild.test,IP:127.0.0.1";  ///< in OpenSSL's words
    int from_days = -1;
    int to_days = 30;
    bool rsa = false;
    std::string usage = "serverAuth,clientAuth";
};

/// A certificate authority that lives in memory.
class authority {
public:
    explicit authority(std::string name = "Test Authority") : key_(EVP_EC_gen("P-256")), name_(std::move(name)) {
        certificate_ = ::X509_new();
        certificate_wish self;
        self.subject = name_;
        fill(certificate_, key_, self, ::X509_get_subject_name(certificate_));
        ::X509_set_issuer_name(certificate_, ::X509_get_subject_name(certificate_));
        extend(certificate_, NID_basic_constraints, "critical,CA:TRUE");
        extend(certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
        extend(certificate_, NID_subject_key_identifier, "hash");
        ::X509_sign(certificate_, key_, ::EVP_sha256());
    }
    ~authority() {
        ::X509_free(certificate_);
        ::EVP_PKEY_free(key_);
    }
    authority(const authority&) = delete;
    authority& operator=(const authority&) = delete;

    [[nodiscard]] std::string pem() const { return text_of(certificate_); }

    [[nodiscard]] weft::net::tls_identity issue(const certificate_wish& wish = {}) const {
        EVP_PKEY* const key = wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
        X509* const made = ::X509_new();
        fill(made, key, wish, ::X509_get_subject_name(certificate_));
        extend(made, NID_basic_constraints, "critical,CA:FALSE");
        extend(made, NID_ext_key_usage, wish.usage);
        if (!wish.names.empty()) extend(made, NID_subject_alt_name, wish.names);
        ::X509_sign(made, key_, ::EVP_sha256());
        weft::net::tls_identity result{text_of(made), text_of(key, "")};
        ::X509_free(made);
        ::EVP_PKEY_free(key);
        return result;
    }
    /// `key` again, encrypted with `phrase`.
    [[nodiscard]] static std::string locked(const std::string& key, const std::string& phrase) {
        BIO* const in = ::BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
        EVP_PKEY* const read = ::PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
        ::BIO_free(in);
        std::string result = text_of(read, phrase);
        ::EVP_PKEY_free(read);
        return result;
    }

private:
    static void extend(X509* made, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        ::X509V3_set_ctx(&context, made, made, nullptr, nullptr, 0);
        X509_EXTENSION* const extension = ::X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        if (extension == nullptr) throw std::runtime_error("no extension '" + value + "'");
        ::X509_add_ext(made, extension, -1);
        ::X509_EXTENSION_free(extension);
    }
    void fill(X509* made, EVP_PKEY* key, const certificate_wish& wish, X509_NAME* issuer) const {
        static long number = 1;
        ::X509_set_version(made, X509_VERSION_3);
        ::ASN1_INTEGER_set(::X509_get_serialNumber(made), ++number);
        ::X509_gmtime_adj(::X509_getm_notBefore(made), 86400L * wish.from_days);
        ::X509_gmtime_adj(::X509_getm_notAfter(made), 86400L * wish.to_days);
        const auto* common = reinterpret_cast<const unsigned char*>(wish.subject.c_str());
        ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(made), "CN", MBSTRING_UTF8, common, -1, -1, 0);
        ::X509_set_issuer_name(made, issuer);
        ::X509_set_pubkey(made, key);
    }
    static std::string taken(BIO* from) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(from, &data);
        std::string text(data, static_cast<std::size_t>(size));
        ::BIO_free(from);
        return text;
    }
    static std::string text_of(X509* certificate) {
        BIO* const out = ::BIO_new(::BIO_s_mem());
        ::PEM_write_bio_X509(out, certificate);
        return taken(out);
    }
    static std::string text_of(EVP_PKEY* key, const std::string& phrase) {
        BIO* const out = ::BIO_new(::BIO_s_mem());
        std::string copy = phrase;
        ::PEM_write_bio_PKCS8PrivateKey(out, key, phrase.empty() ? nullptr : ::EVP_aes_256_cbc(),
            phrase.empty() ? nullptr : copy.data(), static_cast<int>(copy.size()), nullptr, nullptr);
        return taken(out);
    }

    EVP_PKEY* key_;
    X509* certificate_ = nullptr;
    std::string name_;
};

/// One authority and one server's certificate for all tests of the program: keys take time.
inline const authority& the_authority() {
    static const authority one;
    return one;
}
inline const weft::net::tls_identity& the_identity() {
    static const weft::net::tls_identity one = the_authority().issue();
    return one;
}

inline weft::net::tls_context_builder server_settings() {
    weft::net::tls_context_builder settings = weft::net::tls_context_builder::for_server();
    settings.certificate_pem(the_identity().certificate, the_identity().key);
    return settings;
}
inline weft::net::tls_context_builder client_settings() {
    weft::net::tls_context_builder settings = weft::net::tls_context_builder::for_client();
    settings.trust_pem(the_authority().pem());
    return settings;
}

struct tls_pair {
    weft::net::tls_stream client;
    weft::net::tls_stream server;
};

/// Both handshakes; what either throws leaves here, the client's first.
inline weft::task<tls_pair> shake_hands(weft::net::tls_context client, weft::net::tls_context server, std::string host) {
    connection raw = co_await connect_pair();
    weft::task<weft::net::tls_stream> accepting = weft::net::tls_stream::accept(std::move(raw.server), std::move(server));
    weft::task<weft::net::tls_stream> connecting =
        weft::net::tls_stream::connect(std::move(raw.client), std::move(client), std::move(host));
    tls_pair both;
    std::exception_ptr failure;
    try {
        both.client = co_await std::move(connecting);
    } catch (...) {
        failure = std::current_exception();
    }
    try {
        both.server = co_await std::move(accepting);
    } catch (...) {
        if (failure == nullptr) failure = std::current_exception();
    }
    if (failure != nullptr) std::rethrow_exception(failure);
    co_return both;
}

inline weft::task<tls_pair> shake_hands() {
    weft::net::tls_context client = client_settings().build();
    weft::net::tls_context server = server_settings().build();
    weft::task<tls_pair> both = shake_hands(std::move(client), std::move(server), "server.test");
    co_return co_await std::move(both);
}

inline weft::task<std::string> read_some(weft::net::tls_stream& from) {
    std::vector<char> buffer(4096);
    const std::size_t count = co_await from.read(std::span<char>(buffer));
    co_return std::string(buffer.data(), count);
}

/// Each says something and hears the other: also makes a client see its session tickets.
inline weft::task<> greet(tls_pair& both) {
    co_await both.client.write(std::string_view("hello"));
    const std::string heard = co_await read_some(both.server);
    EXPECT_EQ(heard, "hello");
    co_await both.server.write(std::string_view("welcome"));
    const std::string answer = co_await read_some(both.client);
    EXPECT_EQ(answer, "welcome");
}

/// What `operation` throws as tls_error; a failure when it does not.
template <class T>
weft::task<std::optional<weft::net::tls_error>> tls_failure(weft::task<T> operation) {
    try {
        static_cast<void>(co_await std::move(operation));
    } catch (const weft::net::tls_error& error) {
        co_return error;
    } catch (const std::exception& other) {
        ADD_FAILURE() << "not a tls_error: " << other.what();
        co_return std::nullopt;
    }
    ADD_FAILURE() << "nothing was thrown";
    co_return std::nullopt;
}

}  // namespace weft_test
