// src/tls/tls_context.cpp: the builder's words as settings.
// SPDX-License-Identifier: MIT

#include "weft/tls/tls_context.hpp"

#include <stdexcept>
#include <utility>

#include "tls/tls_material.hpp"

namespace weft::inline WEFT_ABI::net {

tls_context_builder::tls_context_builder(bool server) : settings_(std::make_unique<detail::tls_settings>()) {
    settings_->server = server;
}
tls_context_builder tls_context_builder::for_client() { return tls_context_builder(false); }
tls_context_builder tls_context_builder::for_server() { return tls_context_builder(true); }

tls_context_builder::tls_context_builder(const tls_context_builder& other)
    : settings_(std::make_unique<detail::tls_settings>(*other.settings_)) {}
tls_context_builder::tls_context_builder(tls_context_builder&&) noexcept = default;
tls_context_builder& tls_context_builder::operator=(tls_context_builder other) noexcept {
    std::swap(settings_, other.settings_);
    return *this;
}
tls_context_builder::~tls_context_builder() = default;

tls_context_builder& tls_context_builder::certificate_files(std::string chain, std::string key) {
    settings_->certificates.push_back({std::move(chain), std::move(key), true});
    return *this;
}
tls_context_builder& tls_context_builder::certificate_pem(std::string chain, std::string key) {
    settings_->certificates.push_back({std::move(chain), std::move(key), false});
    return *this;
}
tls_context_builder& tls_context_builder::passphrase(std::function<std::string(const std::string& file)> ask) {
    settings_->passphrase = std::move(ask);
    return *this;
}
tls_context_builder& tls_context_builder::trust_file(std::string file) {
    settings_->trusted_files.push_back(std::move(file));
    return *this;
}
tls_context_builder& tls_context_builder::trust_pem(std::string pem) {
    settings_->trusted_texts.push_back(std::move(pem));
    return *this;
}
tls_context_builder& tls_context_builder::trust_system(bool on) {
    settings_->trust_system = on;
    return *this;
}
tls_context_builder& tls_context_builder::verify_peer(bool on) {
    settings_->verify = on;
    return *this;
}
tls_context_builder& tls_context_builder::ask_clients(client_certificates what) {
    settings_->clients = what;
    return *this;
}
tls_context_builder& tls_context_builder::alpn(std::vector<std::string> protocols) {
    std::string wire;
    for (const std::string& each : protocols) {
        if (each.empty() || each.size() > 255) throw std::invalid_argument("the name of a protocol has 1 to 255 bytes");
        wire += static_cast<char>(each.size());
        wire += each;
    }
    settings_->alpn = std::move(wire);
    return *this;
}
tls_context_builder& tls_context_builder::versions(tls_version oldest, tls_version newest) {
    if (newest < oldest) throw std::invalid_argument("the newest version of TLS is older than the oldest");
    settings_->oldest = oldest;
    settings_->newest = newest;
    return *this;
}
tls_context_builder& tls_context_builder::resumption(bool on, std::size_t hosts) {
    settings_->resume = on;
    settings_->hosts = hosts;
    return *this;
}

tls_context tls_context_builder::build() const {
    return tls_context(std::make_shared<detail::tls_context_state>(*settings_));
}

void tls_context::reload() const { state_->reload(); }
void tls_context::reload(const tls_context_builder& settings) const { state_->reload(*settings.settings_); }
bool tls_context::is_server() const noexcept { return state_->is_server(); }

}  // namespace weft::inline WEFT_ABI::net
