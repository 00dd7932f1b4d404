// Starting a server, or saying why not.
// SPDX-License-Identifier: MIT

#include "serving.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include <weft/base/error.hpp>
#include <weft/delay.hpp>

#include "command_line.hpp"

namespace user_page {

weft::task<> serve(weft::http::server& server, std::size_t port, std::string_view announcement) {
    try {
        server.start(weft::net::endpoint::loopback_v4(static_cast<std::uint16_t>(port)));
    } catch (const weft::io_error& error) {
        throw setup_error(error.what());
    }
    std::printf("%.*s%u\n", static_cast<int>(announcement.size()), announcement.data(),
        static_cast<unsigned>(server.local_endpoint().port()));
    std::fflush(stdout);
    co_await weft::delay(std::chrono::milliseconds(-1));  // never ends
}

void report_errors(weft::http::server& server, std::string_view program) {
    server.on_error([name = std::string(program)](const std::exception_ptr& error) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), weft::message_of(error).c_str());
    });
}

std::unique_ptr<weft::runtime> make_runtime(const weft::runtime_options& options) {
    try {
        return std::make_unique<weft::runtime>(options);
    } catch (const std::invalid_argument& error) {
        throw setup_error(error.what());
    }
}

weft::http::server_options many_connections() {
    weft::http::server_options options;
    options.backlog = 4096;
    return options;
}

}  // namespace user_page
