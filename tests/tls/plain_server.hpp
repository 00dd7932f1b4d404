#pragma once
// tests/tls/plain_server.hpp: a server of OpenSSL's own between two memory buffers, whose records the test sends when it likes.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "support.hpp"
#include "weft/io/net/tcp.hpp"

namespace weft_test {

/// Speaks TLS 1.3 in records of at most 512 bytes, so that a session ticket needs several.
class plain_server {
public:
    explicit plain_server(weft::net::tcp_stream stream)
        : stream_(std::move(stream)), context_(::SSL_CTX_new(::TLS_server_method())) {
        SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
        SSL_CTX_set_max_send_fragment(context_, 512);
        ::SSL_CTX_set_num_tickets(context_, 0);
        ::SSL_CTX_set_session_ticket_cb(context_, &fill_ticket, nullptr, nullptr);
        BIO* const certificate = reader_of(the_identity().certificate);
        X509* const shown = ::PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
        BIO* const key = reader_of(the_identity().key);
        EVP_PKEY* const own = ::PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
        ::SSL_CTX_use_certificate(context_, shown);
        ::SSL_CTX_use_PrivateKey(context_, own);
        ::X509_free(shown);
        ::EVP_PKEY_free(own);
        ::BIO_free(certificate);
        ::BIO_free(key);
        ssl_ = ::SSL_new(context_);
        ::SSL_set_bio(ssl_, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
        ::SSL_set_accept_state(ssl_);
    }
    ~plain_server() {
        ::SSL_free(ssl_);
        ::SSL_CTX_free(context_);
    }
    plain_server(const plain_server&) = delete;
    plain_server& operator=(const plain_server&) = delete;

    weft::task<> shake() {
        while (::SSL_do_handshake(ssl_) != 1) {
            const std::string answer = made();
            co_await send(answer);
            co_await receive();
        }
        const std::string last = made();
        co_await send(last);
    }

    /// The records OpenSSL has made since the last call.
    [[nodiscard]] std::string made() {
        std::string bytes(BIO_ctrl_pending(::SSL_get_wbio(ssl_)), '\0');
        if (!bytes.empty()) ::BIO_read(::SSL_get_wbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }
    [[nodiscard]] std::string encrypted(std::string_view text) {
        EXPECT_EQ(::SSL_write(ssl_, text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
        return made();
    }
    /// A ticket, cut behind its first record.
    [[nodiscard]] std::pair<std::string, std::string> ticket() {
        EXPECT_EQ(::SSL_new_session_ticket(ssl_), 1);
        EXPECT_EQ(::SSL_do_handshake(ssl_), 1);
        const std::string all = made();
        const auto byte = [&](std::size_t at) { return std::size_t{static_cast<unsigned char>(all.at(at))}; };
        const std::size_t first = 5 + byte(3) * 256 + byte(4);
        EXPECT_LT(first, all.size()) << "it needs two records";
        return {all.substr(0, first), all.substr(first)};
    }
    /// The fatal alert with which OpenSSL answers what was never encrypted.
    [[nodiscard]] std::string fatal_alert() {
        const std::string_view nonsense("\x17\x03\x03\x00\x20this is not what was encrypted ..", 37);
        ::BIO_write(::SSL_get_rbio(ssl_), nonsense.data(), static_cast<int>(nonsense.size()));
        char none = 0;
        EXPECT_LE(::SSL_read(ssl_, &none, 1), 0);
        ::ERR_clear_error();
        return made();
    }

    weft::task<> send(const std::string& bytes) {
        if (!bytes.empty()) co_await stream_.write(std::string_view(bytes));
    }
    /// What the client says next; empty after its close_notify. Also "cut" when it went without.
    weft::task<std::string> read() {
        for (;;) {
            char buffer[512];
            const int count = ::SSL_read(ssl_, buffer, sizeof buffer);
            if (count > 0) co_return std::string(buffer, static_cast<std::size_t>(count));
            if (::SSL_get_error(ssl_, count) != SSL_ERROR_WANT_READ) co_return std::string();
            const bool more = co_await receive();
            if (!more) co_return "cut";
        }
    }
    weft::task<> close() { return stream_.close(); }

private:
    weft::task<bool> receive() {
        std::vector<std::byte> buffer(4096);
        const std::size_t count = co_await stream_.read(std::span<std::byte>(buffer));
        if (count > 0) ::BIO_write(::SSL_get_rbio(ssl_), buffer.data(), static_cast<int>(count));
        co_return count > 0;
    }
    static BIO* reader_of(const std::string& pem) { return ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())); }
    static int fill_ticket(SSL* connection, void*) {
        const std::string much(1000, 't');
        return ::SSL_SESSION_set1_ticket_appdata(::SSL_get_session(connection), much.data(), much.size());
    }

    weft::net::tcp_stream stream_;
    SSL_CTX* context_;
    SSL* ssl_ = nullptr;
};

}  // namespace weft_test
