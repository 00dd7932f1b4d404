// How fast does a TLS server send back what it gets? Weft: a coroutine a connection on one worker.
// SPDX-License-Identifier: MIT

#include <span>
#include <string_view>
#include <vector>

#include "io/tls_echo/parameters.hpp"
#include "support/weft.hpp"
#include "weft/net/tcp.hpp"
#include "weft/tls/certificate.hpp"
#include "weft/tls/tls_context.hpp"
#include "weft/tls/tls_stream.hpp"

namespace {

using weft::net::tls_context;
using weft::net::tls_stream;

weft::task<> serve(weft::net::tcp_stream raw, tls_context context, std::size_t size) {
    try {
        weft::task<tls_stream> shaking = tls_stream::accept(std::move(raw), std::move(context));
        tls_stream connection = co_await std::move(shaking);
        std::vector<std::byte> buffer(size);
        for (;;) {
            const std::size_t n = co_await connection.read(buffer);
            if (n == 0) break;
            const std::span<const std::byte> heard = std::span<const std::byte>(buffer).first(n);
            co_await connection.write(heard);
        }
    } catch (const weft::io_error&) {
        // The generator has gone.
    }
}

weft::task<> accept(tls_context context, std::size_t size) {
    const weft::net::endpoint local = weft::net::endpoint::loopback_v4();
    weft::net::tcp_listener listener = weft::net::tcp_listener::bind(local);
    bench::ready(listener.local_endpoint().port());
    for (;;) {
        weft::net::tcp_stream raw = co_await listener.accept();
        serve(std::move(raw), context, size).forget();
    }
}

tls_context make_context() {
    constexpr std::string_view names[] = {"localhost"};
    const weft::net::tls_identity made = weft::net::make_self_signed(names);
    return weft::net::tls_context_builder::for_server()
        .certificate_pem(made.certificate, made.key)
        .versions(weft::net::tls_version::tls_1_3, weft::net::tls_version::tls_1_3)
        .build();
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    bench::weft_runtime runtime(1);
    runtime.run(accept, make_context(), arguments.number("buffer", bench::parameters::buffer));
}
