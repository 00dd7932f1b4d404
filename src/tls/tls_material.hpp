#pragma once
// src/tls/tls_material.hpp: what one build of a context has read: OpenSSL's context, certificates by name, remembered sessions.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tls/openssl.hpp"
#include "weft/tls/tls_context.hpp"

namespace weft::inline WEFT_ABI::detail {

struct certificate_source {
    std::string chain, key;  ///< paths, or PEM
    bool files = false;
};

struct tls_settings {
    bool server = false;
    std::vector<certificate_source> certificates;
    std::function<std::string(const std::string&)> passphrase;
    std::vector<std::string> trusted_files, trusted_texts;
    std::optional<bool> trust_system;
    bool verify = true;
    net::client_certificates clients = net::client_certificates::none;
    std::string alpn;  ///< as it is sent: each name behind its length
    net::tls_version oldest = net::tls_version::tls_1_2, newest = net::tls_version::tls_1_3;
    bool resume = true;
    std::size_t hosts = 1024;
};

/// Sessions to resume, by host. The host used longest ago goes first.
class session_cache {
public:
    explicit session_cache(std::size_t hosts) : most_(hosts) {}
    void keep(const std::string& host, session_ptr session);
    /// A session of TLS 1.3 is used once, so that who watches cannot tell that two connections are one client's (RFC 8446, C.4).
    [[nodiscard]] session_ptr take(const std::string& host);

private:
    static constexpr std::size_t sessions_a_host = 4;  ///< connections made at once each resume one
    struct entry {
        std::string host;
        std::deque<session_ptr> sessions;
    };
    std::mutex mutex_;
    std::size_t most_;
    std::list<entry> order_;
    std::unordered_map<std::string, std::list<entry>::iterator> by_host_;
};

/// Unchanged once made, except for the sessions. Connections share it, so it lives as long as the last that was made with it.
class tls_material {
public:
    /// @throws tls_error
    explicit tls_material(const tls_settings& settings);
    tls_material(const tls_material&) = delete;
    tls_material& operator=(const tls_material&) = delete;

    [[nodiscard]] SSL_CTX* context() const noexcept { return context_.get(); }
    [[nodiscard]] bool verifies() const noexcept { return verifies_; }
    [[nodiscard]] session_cache& sessions() noexcept { return sessions_; }

private:
    struct identity {
        std::vector<x509_ptr> chain;  ///< the own certificate first
        key_ptr key;
    };
    [[nodiscard]] static identity read_identity(const tls_settings& settings, const certificate_source& source);
    void set_versions(const tls_settings& settings);
    void set_identities(const tls_settings& settings);
    void set_trust(const tls_settings& settings);
    void set_alpn(const tls_settings& settings);
    void set_resumption(const tls_settings& settings);
    void use(SSL* connection, const identity& which) const;
    [[nodiscard]] const identity* best_for(const char* name) const noexcept;

    static int choose_certificate(SSL* connection, void* self) noexcept;
    static int choose_protocol(SSL* connection, const unsigned char** chosen, unsigned char* chosen_size,
        const unsigned char* offered, unsigned offered_size, void* self) noexcept;
    static int remember_session(SSL* connection, SSL_SESSION* session) noexcept;

    ssl_ctx_ptr context_;
    std::vector<identity> identities_;
    std::string alpn_;
    bool verifies_;
    session_cache sessions_;
};

/// The settings, and what they came to last. One reload at a time, from its settings to the swap: else one that began earlier, and read
/// older files, could end later and win.
class tls_context_state {
public:
    explicit tls_context_state(tls_settings settings)
        : server_(settings.server), settings_(std::move(settings)), current_(std::make_shared<tls_material>(settings_)) {}

    [[nodiscard]] bool is_server() const noexcept { return server_; }
    [[nodiscard]] std::shared_ptr<tls_material> current() const {
        const std::lock_guard guard(mutex_);
        return current_;
    }
    void reload();
    void reload(const tls_settings& settings);

private:
    const bool server_;
    std::mutex reloading_;
    tls_settings settings_;  ///< under reloading_
    mutable std::mutex mutex_;
    std::shared_ptr<tls_material> current_;  ///< under mutex_
};

/// What tls_material finds behind a connection: whose sessions it has.
struct session_owner {
    tls_material* material = nullptr;
    std::string host;
};

}  // namespace weft::inline WEFT_ABI::detail
