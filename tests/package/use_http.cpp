// Uses the installed HTTP: a server and a client in one program.
// SPDX-License-Identifier: MIT
#include <weft/http/client.hpp>
#include <weft/http/server.hpp>
#include <weft/net/endpoint.hpp>
#include <weft/weft.hpp>

#include <string>

static weft::task<bool> hello() {
    weft::http::server server([] { return std::string("hello"); });
    server.start(weft::net::endpoint::loopback_v4());
    weft::http::client client;
    const std::string url = "http://127.0.0.1:" + std::to_string(server.local_endpoint().port()) + "/";
    const std::string answer = co_await client.get_string(url);
    co_await server.stop();
    co_return answer == "hello";
}

int main() { return weft::block_on(hello()) ? 0 : 1; }
