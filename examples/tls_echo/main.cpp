// An echo server and its client over TLS, with a certificate made on the spot that the client is told to trust. The client also shows
// what happens to who does not trust it, and says good-bye properly. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/net/tcp.hpp>
#include <weft/tls/tls_context.hpp>
#include <weft/tls/tls_stream.hpp>
#include <weft/weft.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using weft::net::tls_context;
using weft::net::tls_stream;

weft::task<> serve_one(weft::net::tcp_stream raw, tls_context context) {
    try {
        weft::task<tls_stream> shaking = tls_stream::accept(std::move(raw), context);
        tls_stream peer = co_await std::move(shaking);
        std::vector<std::byte> buffer(4096);
        for (;;) {
            const std::size_t count = co_await peer.read(std::span<std::byte>(buffer));
            if (count == 0) break;  // the client's close_notify
            const std::span<const std::byte> heard = std::span<const std::byte>(buffer).first(count);
            co_await peer.write(heard);
        }
        co_await peer.shutdown_send();
    } catch (const weft::io_error& error) {
        std::printf("server: %s\n", error.code().message().c_str());
    }
}

weft::task<> serve(weft::net::tcp_listener& listener, tls_context context, int clients) {
    std::vector<weft::task<>> sessions;
    for (int i = 0; i < clients; ++i) {
        weft::net::tcp_stream raw = co_await listener.accept();
        sessions.push_back(serve_one(std::move(raw), context));
    }
    for (weft::task<>& each : sessions) co_await each;
}

weft::task<int> async_main() {
    const std::string_view names[] = {"localhost"};
    const weft::net::tls_identity made = weft::net::make_self_signed(names);
    const std::vector<std::string> protocols{"echo"};
    tls_context for_server =
        weft::net::tls_context_builder::for_server().certificate_pem(made.certificate, made.key).alpn(protocols).build();
    weft::net::tcp_listener listener = weft::net::tcp_listener::bind(weft::net::endpoint::loopback_v4());
    const std::uint16_t port = listener.local_endpoint().port();
    weft::task<> serving = serve(listener, for_server, 2);

    // Trusts the system's authorities, of which none has signed this.
    tls_context careful = tls_context::client();
    int refused = 0;
    try {
        weft::task<tls_stream> connecting = tls_stream::connect_to("localhost", port, careful);
        static_cast<void>(co_await std::move(connecting));
    } catch (const weft::net::tls_error& error) {
        refused = error.is_certificate_refused() ? 1 : 0;
        std::printf("client: %s\n", error.code().message().c_str());
    }

    tls_context trusting = weft::net::tls_context_builder::for_client().trust_pem(made.certificate).alpn(protocols).build();
    weft::task<tls_stream> connecting = tls_stream::connect_to("localhost", port, trusting);
    tls_stream peer = co_await std::move(connecting);
    std::printf("client: speaks %s by %s\n", peer.alpn().c_str(), peer.cipher().c_str());
    co_await peer.write(std::string_view("hello"));
    std::vector<std::byte> answer(5);
    co_await peer.read_exactly(std::span<std::byte>(answer));
    std::printf("client: heard '%.*s'\n", 5, reinterpret_cast<const char*>(answer.data()));
    const bool good_bye = co_await peer.shutdown();
    co_await peer.close();
    co_await std::move(serving);
    co_return refused == 1 && good_bye ? 0 : 1;
}

}  // namespace

int main() { return weft::block_on(async_main()); }
