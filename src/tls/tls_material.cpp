// src/tls/tls_material.cpp: from settings to OpenSSL's context, and the choices it asks us for in handshakes.
// SPDX-License-Identifier: MIT

#include "tls/tls_material.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace weft::inline WEFT_ABI::detail {

namespace {

// OpenSSL would clean up at exit, when threads of the pool may still be using it. It is told not to before anybody else uses it.
[[maybe_unused]] const int no_clean_up_at_exit = ::OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);

std::string contents_of(const std::string& path) {
    const std::string attempt = "read '" + path + "'";
    std::FILE* const file = std::fopen(path.c_str(), "rbe");
    if (file == nullptr) throw net::tls_error(std::error_code(errno, std::generic_category()), attempt);
    std::string text;
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, count);
    const int error = std::ferror(file) != 0 ? EIO : 0;
    std::fclose(file);
    if (error != 0) throw net::tls_error(std::error_code(error, std::generic_category()), attempt);
    return text;
}

struct passphrase_request {
    const std::function<std::string(const std::string&)>& ask;
    std::string file;
    std::exception_ptr failure;
};

// Always given, because OpenSSL's own would ask at the terminal.
int tell_passphrase(char* buffer, int size, int, void* argument) noexcept {
    auto& request = *static_cast<passphrase_request*>(argument);
    if (!request.ask) return -1;
    try {
        std::string phrase = request.ask(request.file);
        const int length = static_cast<int>(std::min(phrase.size(), static_cast<std::size_t>(size)));
        std::memcpy(buffer, phrase.data(), static_cast<std::size_t>(length));
        ::OPENSSL_cleanse(phrase.data(), phrase.size());
        return length;
    } catch (...) {
        request.failure = std::current_exception();
        return -1;
    }
}

int number_of(net::tls_version version) noexcept {
    return version == net::tls_version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

}  // namespace

// ---- sessions

void session_cache::keep(const std::string& host, session_ptr session) {
    const std::lock_guard guard(mutex_);
    if (most_ == 0) return;
    auto found = by_host_.find(host);
    if (found == by_host_.end()) {
        if (order_.size() >= most_) {
            by_host_.erase(order_.back().host);
            order_.pop_back();
        }
        order_.emplace_front();
        order_.front().host = host;
        found = by_host_.emplace(host, order_.begin()).first;
    }
    std::deque<session_ptr>& sessions = found->second->sessions;
    if (sessions.size() >= sessions_a_host) sessions.pop_front();
    sessions.push_back(std::move(session));
}

session_ptr session_cache::take(const std::string& host) {
    const std::lock_guard guard(mutex_);
    const auto found = by_host_.find(host);
    if (found == by_host_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    std::deque<session_ptr>& sessions = found->second->sessions;
    while (!sessions.empty()) {
        SSL_SESSION* const newest = sessions.back().get();
        const bool usable = ::SSL_SESSION_is_resumable(newest) == 1;
        if (usable && ::SSL_SESSION_get_protocol_version(newest) < TLS1_3_VERSION) {
            ::SSL_SESSION_up_ref(newest);
            return session_ptr(newest);
        }
        session_ptr taken = std::move(sessions.back());
        sessions.pop_back();
        if (usable) return taken;
    }
    return nullptr;
}

// ---- making

tls_material::tls_material(const tls_settings& settings)
    : context_(::SSL_CTX_new(settings.server ? ::TLS_server_method() : ::TLS_client_method())),
      verifies_(!settings.server && settings.verify),
      sessions_(settings.resume ? settings.hosts : 0) {
    if (context_ == nullptr) throw_openssl_error("make a TLS context");
    ::SSL_CTX_set_options(context(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    ::SSL_CTX_set_mode(
        context(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    set_versions(settings);
    set_identities(settings);
    set_trust(settings);
    set_alpn(settings);
    set_resumption(settings);
}

void tls_material::set_versions(const tls_settings& settings) {
    ::SSL_CTX_set_min_proto_version(context(), number_of(settings.oldest));
    ::SSL_CTX_set_max_proto_version(context(), number_of(settings.newest));
}

tls_material::identity tls_material::read_identity(const tls_settings& settings, const certificate_source& source) {
    identity result;
    const std::string chain_name = source.files ? "'" + source.chain + "'" : "a text";
    const std::string key_name = source.files ? "'" + source.key + "'" : "a text";
    result.chain = certificates_of(source.files ? contents_of(source.chain) : source.chain, chain_name);
    std::string text = source.files ? contents_of(source.key) : source.key;
    passphrase_request request{settings.passphrase, source.files ? source.key : std::string(), nullptr};
    result.key.reset(::PEM_read_bio_PrivateKey(reader_of(text).get(), nullptr, &tell_passphrase, &request));
    ::OPENSSL_cleanse(text.data(), text.size());
    if (request.failure != nullptr) {
        ::ERR_clear_error();
        std::rethrow_exception(request.failure);
    }
    if (result.key == nullptr) throw_openssl_error("read the key of " + key_name);
    if (::X509_check_private_key(result.chain.front().get(), result.key.get()) != 1)
        throw_openssl_error("use the key of " + key_name + " with the certificate of " + chain_name);
    return result;
}

void tls_material::set_identities(const tls_settings& settings) {
    for (const certificate_source& each : settings.certificates) identities_.push_back(read_identity(settings, each));
    if (identities_.empty()) {
        if (settings.server) throw net::tls_error(net::tls_errc::no_certificate, "make a TLS context");
        return;
    }
    const identity& first = identities_.front();
    if (::SSL_CTX_use_certificate(context(), first.chain.front().get()) != 1 ||
        ::SSL_CTX_use_PrivateKey(context(), first.key.get()) != 1)
        throw_openssl_error("use a certificate");
    for (std::size_t i = 1; i < first.chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context(), first.chain[i].get()) != 1) throw_openssl_error("use a certificate's chain");
    }
    if (settings.server && identities_.size() > 1) ::SSL_CTX_set_cert_cb(context(), &choose_certificate, this);
}

void tls_material::set_trust(const tls_settings& settings) {
    const bool examines = settings.server ? settings.clients != net::client_certificates::none : settings.verify;
    if (!examines) return;
    int mode = SSL_VERIFY_PEER;
    if (settings.clients == net::client_certificates::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    ::SSL_CTX_set_verify(context(), mode, nullptr);
    // The system's authorities vouch for servers. Whom they give a certificate is no client that somebody meant to let in.
    const bool nothing_named = settings.trusted_files.empty() && settings.trusted_texts.empty();
    const bool trusts_system = settings.trust_system.value_or(nothing_named && !settings.server);
    if (settings.server && nothing_named && !trusts_system)
        throw net::tls_error(net::tls_errc::no_trust, "make a TLS context");
    X509_STORE* const store = ::SSL_CTX_get_cert_store(context());
    const auto trust = [&](const std::string& pem, const std::string& name) {
        for (const x509_ptr& each : certificates_of(pem, name)) {
            if (::X509_STORE_add_cert(store, each.get()) != 1) throw_openssl_error("trust the certificates of " + name);
            if (settings.server) ::SSL_CTX_add_client_CA(context(), each.get());
        }
    };
    for (const std::string& file : settings.trusted_files) trust(contents_of(file), "'" + file + "'");
    for (const std::string& text : settings.trusted_texts) trust(text, "a text");
    if (trusts_system && ::SSL_CTX_set_default_verify_paths(context()) != 1)
        throw_openssl_error("find the system's trusted certificates");
}

void tls_material::set_alpn(const tls_settings& settings) {
    alpn_ = settings.alpn;
    if (alpn_.empty()) return;
    if (settings.server) {
        ::SSL_CTX_set_alpn_select_cb(context(), &choose_protocol, this);
        return;
    }
    // Of OpenSSL's functions the one where 0 is success.
    if (::SSL_CTX_set_alpn_protos(
            context(), reinterpret_cast<const unsigned char*>(alpn_.data()), static_cast<unsigned>(alpn_.size())) != 0)
        throw_openssl_error("offer protocols");
}

void tls_material::set_resumption(const tls_settings& settings) {
    if (settings.server) {
        // Tickets need no memory here. Sessions are bound to this context, whose clients were examined in one way.
        ::SSL_CTX_set_session_cache_mode(context(), SSL_SESS_CACHE_OFF);
        constexpr unsigned char id[] = "weft";
        ::SSL_CTX_set_session_id_context(context(), id, sizeof id - 1);
        if (settings.resume) return;
        ::SSL_CTX_set_options(context(), SSL_OP_NO_TICKET);
        ::SSL_CTX_set_num_tickets(context(), 0);
        return;
    }
    if (!settings.resume) {
        ::SSL_CTX_set_session_cache_mode(context(), SSL_SESS_CACHE_OFF);
        return;
    }
    ::SSL_CTX_set_session_cache_mode(context(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(context(), &remember_session);
}

// ---- in a handshake

const tls_material::identity* tls_material::best_for(const char* name) const noexcept {
    const std::size_t size = std::strlen(name);
    const auto bears = [&](const identity& each, unsigned flags) {
        return ::X509_check_host(each.chain.front().get(), name, size, flags, nullptr) == 1;
    };
    for (const unsigned flags : {unsigned{X509_CHECK_FLAG_NO_WILDCARDS}, unsigned{X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS}}) {
        for (const identity& each : identities_) {
            if (bears(each, flags)) return &each;
        }
    }
    return nullptr;
}

void tls_material::use(SSL* connection, const identity& which) const {
    STACK_OF(X509)* const rest = sk_X509_new_null();
    for (std::size_t i = 1; i < which.chain.size(); ++i) sk_X509_push(rest, which.chain[i].get());
    // With certificates of several kinds of key set, the kind would win over the name.
    ::SSL_certs_clear(connection);
    ::SSL_use_cert_and_key(connection, which.chain.front().get(), which.key.get(), rest, 1);
    sk_X509_free(rest);
}

int tls_material::choose_certificate(SSL* connection, void* argument) noexcept {
    const auto& self = *static_cast<const tls_material*>(argument);
    const char* const name = ::SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return 1;
    const identity* const best = self.best_for(name);
    if (best != nullptr && best != &self.identities_.front()) self.use(connection, *best);
    return 1;
}

int tls_material::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
    const unsigned char* offered, unsigned offered_size, void* argument) noexcept {
    const auto& ours = static_cast<const tls_material*>(argument)->alpn_;
    unsigned char* found = nullptr;
    const int result = ::SSL_select_next_proto(&found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
        static_cast<unsigned>(ours.size()), offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tls_material::remember_session(SSL* connection, SSL_SESSION* session) noexcept {
    const auto* const owner = static_cast<const session_owner*>(SSL_get_app_data(connection));
    if (owner == nullptr || owner->material == nullptr) return 0;
    try {
        // A copy: OpenSSL spoils the original when its connection ends badly.
        session_ptr copy(::SSL_SESSION_dup(session));
        if (copy != nullptr) owner->material->sessions().keep(owner->host, std::move(copy));
    } catch (...) {
        // Without it, the next handshake is a full one.
    }
    return 0;
}

// ---- the context

void tls_context_state::reload() {
    const std::lock_guard alone(reloading_);
    auto made = std::make_shared<tls_material>(settings_);
    const std::lock_guard guard(mutex_);
    current_.swap(made);
}

void tls_context_state::reload(const tls_settings& settings) {
    if (settings.server != is_server())
        throw std::invalid_argument("a client's context cannot become a server's, nor the other way round");
    tls_settings copy = settings;
    const std::lock_guard alone(reloading_);
    auto made = std::make_shared<tls_material>(copy);
    std::swap(settings_, copy);
    const std::lock_guard guard(mutex_);
    current_.swap(made);
}

}  // namespace weft::inline WEFT_ABI::detail
