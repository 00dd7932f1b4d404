// How fast is a small page over kept-alive connections? Weft: http::server with a router on one worker.
// SPDX-License-Identifier: MIT

#include <string>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/http/server.hpp"
#include "weft/task_completion_source.hpp"

namespace {

weft::http::response plaintext() {
    weft::http::response response(200, weft::http::content(std::string(bench::parameters::body), "text/plain"));
    response.headers().set("Server", "weft");
    return response;
}

weft::task<> serve() {
    weft::http::router routes;
    routes.map_get(bench::parameters::path, plaintext);
    weft::http::server server(std::move(routes));
    server.start(weft::net::endpoint::loopback_v4());
    bench::ready(server.local_endpoint().port());
    weft::task_completion_source<> never;
    co_await never.task();
}

}  // namespace

int main() {
    bench::weft_runtime runtime(1);
    runtime.run(serve);
}
