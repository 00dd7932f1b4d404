// Uses the installed TLS: both ends of a connection in one program.
// SPDX-License-Identifier: MIT
#include <weft/net/tcp.hpp>
#include <weft/tls/tls_stream.hpp>
#include <weft/weft.hpp>

#include <string>
#include <string_view>
#include <utility>

static weft::task<bool> meet() {
    using namespace weft::net;
    const std::string_view names[] = {"localhost"};
    const tls_identity made = make_self_signed(names);
    tls_context server = tls_context_builder::for_server().certificate_pem(made.certificate, made.key).build();
    tls_context client = tls_context_builder::for_client().trust_pem(made.certificate).build();
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    weft::task<tls_stream> connecting = tls_stream::connect_to("localhost", listener.local_endpoint().port(), client);
    tcp_stream raw = co_await listener.accept();
    weft::task<tls_stream> accepting = tls_stream::accept(std::move(raw), server);
    const tls_stream far = co_await std::move(connecting);
    const tls_stream near = co_await std::move(accepting);
    co_return far.cipher() == near.cipher() && !far.cipher().empty();
}

int main() { return weft::block_on(meet()) ? 0 : 1; }
