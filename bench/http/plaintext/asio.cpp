// How fast is a small page over kept-alive connections? Asio: Boost.Beast, a coroutine a connection on one thread.
// SPDX-License-Identifier: MIT

#include "support/asio.hpp"
#include "parameters.hpp"
#include "support/harness.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <ctime>
#include <string>

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using stream = beast::basic_stream<bench::tcp, bench::executor, beast::unlimited_rate_policy>;

constexpr auto use_error = bench::asio::as_tuple(bench::asio::use_awaitable_t<bench::executor>{});

// The text of the Date header, made once a second.
const std::string& date() {
    static std::string text;
    static std::time_t made = 0;
    const std::time_t now = std::time(nullptr);
    if (now != made) {
        std::tm parts{};
        char buffer[64];
        gmtime_r(&now, &parts);
        text.assign(buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts));
        made = now;
    }
    return text;
}

http::response<http::string_body> answer(const http::request<http::string_body>& request) {
    http::response<http::string_body> response(http::status::ok, request.version());
    response.set(http::field::server, "beast");
    response.set(http::field::date, date());
    response.keep_alive(request.keep_alive());
    if (request.target() == bench::parameters::path) {
        response.set(http::field::content_type, "text/plain");
        response.body() = bench::parameters::body;
    } else {
        response.result(http::status::not_found);
    }
    response.prepare_payload();
    return response;
}

bench::awaitable<void> serve(bench::tcp_socket<> raw) {
    raw.set_option(bench::tcp::no_delay(true));
    stream connection(std::move(raw));
    beast::flat_buffer buffer;
    for (;;) {
        http::request<http::string_body> request;
        auto [read_error, read] = co_await http::async_read(connection, buffer, request, use_error);
        if (read_error) co_return;
        http::response<http::string_body> response = answer(request);
        auto [write_error, written] = co_await http::async_write(connection, response, use_error);
        if (write_error || !response.keep_alive()) co_return;
    }
}

}  // namespace

int main() { bench::serve_alone(serve); }
