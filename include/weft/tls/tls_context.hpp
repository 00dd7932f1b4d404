#pragma once
// <weft/tls/tls_context.hpp>: certificates, trust and settings that many TLS connections share.
// Follows System.Net.Security.SslClientAuthenticationOptions, SslServerAuthenticationOptions and SslStreamCertificateContext.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {
struct tls_settings;
class tls_context_state;
}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

class tls_context;

enum class tls_version : std::uint8_t { tls_1_2, tls_1_3 };

/// What a server asks of its clients' certificates.
enum class client_certificates : std::uint8_t {
    none,      ///< not asked for
    optional,  ///< asked for; one that is shown must be trusted
    required   ///< without a trusted one the handshake fails
};

/// Collects what a tls_context is made from. Every member returns the builder.
///
/// Defaults: TLS 1.2 and 1.3; OpenSSL's ciphers; renegotiation refused; sessions resumed. Of a client: the system's trusted authorities,
/// and the server's certificate must be theirs and name the host. Of a server: no client certificates, and nobody trusted.
class tls_context_builder {
public:
    [[nodiscard]] static tls_context_builder for_client();
    [[nodiscard]] static tls_context_builder for_server();
    tls_context_builder(const tls_context_builder&);
    tls_context_builder(tls_context_builder&&) noexcept;
    tls_context_builder& operator=(tls_context_builder) noexcept;
    ~tls_context_builder();

    /// What to show the peer: a chain, the own certificate first, and its key, as PEM files. Of a server each further one is chosen for
    /// the host names it bears (exactly, else by its wildcards); the first also for unknown ones. Of a client only the first counts.
    tls_context_builder& certificate_files(std::string chain, std::string key);
    /// The same from memory.
    tls_context_builder& certificate_pem(std::string chain, std::string key);
    /// Asked for the passphrase of an encrypted key, in build() and reload(). @param ask  is given the key's file, "" from memory
    tls_context_builder& passphrase(std::function<std::string(const std::string& file)> ask);

    /// Authorities to trust, as a PEM file or from memory. With any of these the system's are no longer trusted, unless trust_system(true).
    tls_context_builder& trust_file(std::string file);
    tls_context_builder& trust_pem(std::string pem);
    tls_context_builder& trust_system(bool on);
    /// Whether a client examines the server's certificate. Off, anybody can be the peer: for tests only.
    tls_context_builder& verify_peer(bool on);
    /// Of a server. It must be told whom to trust: the system's authorities are trusted by default in clients only.
    tls_context_builder& ask_clients(client_certificates what);

    /// Protocols, best first, such as {"h2", "http/1.1"}. The server chooses its best of those the client offers; when there is none
    /// the handshake fails. Without the call nothing is negotiated. @throws std::invalid_argument  for a name not of 1 to 255 bytes
    tls_context_builder& alpn(std::vector<std::string> protocols);
    tls_context_builder& versions(tls_version oldest, tls_version newest);
    /// Whether later connections to a host resume the session of earlier ones. Of a client: most hosts remembered.
    tls_context_builder& resumption(bool on, std::size_t hosts = 1024);

    /// @throws tls_error  naming the file that cannot be read, or the key that does not fit
    /// @throws tls_error  tls_errc::no_certificate, of a server; tls_errc::no_trust, of one that asks clients and trusts nobody
    [[nodiscard]] tls_context build() const;

private:
    friend class tls_context;
    explicit tls_context_builder(bool server);
    std::unique_ptr<detail::tls_settings> settings_;
};

/// What TLS connections are made with. A handle: copies are the same context; may outlive its runtime.
///
/// Threads  every member may be called from any thread at any time.
class tls_context {
public:
    /// A client's with every default.
    [[nodiscard]] static tls_context client() { return tls_context_builder::for_client().build(); }

    /// Reads the files the context was built from once more. Handshakes that begin later use what they hold now; connections that
    /// exist live on with what they had. Sessions of before are not resumed. When it throws, nothing has changed.
    /// Blocks on the files, and on a reload() that is under way, so that of two the later wins: call it by run_blocking() in a server.
    /// Not from passphrase()'s function. @throws tls_error
    void reload() const;
    /// The same with other settings. @throws std::invalid_argument  for those of the other side (client, server)
    void reload(const tls_context_builder& settings) const;

    [[nodiscard]] bool is_server() const noexcept;

    /// For tls_stream.
    [[nodiscard]] const std::shared_ptr<detail::tls_context_state>& state() const noexcept { return state_; }

private:
    friend class tls_context_builder;
    explicit tls_context(std::shared_ptr<detail::tls_context_state> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<detail::tls_context_state> state_;
};

}  // namespace weft::inline WEFT_ABI::net
