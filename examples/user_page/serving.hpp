#pragma once
// user_page/serving.hpp: what the servers of this example share: listening, saying where, and going on until they are ended.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <string_view>

#include <weft/http/server.hpp>
#include <weft/runtime.hpp>
#include <weft/task.hpp>

namespace user_page {

/// Serves on 127.0.0.1 until the process ends, and prints `listening on PORT`. @param port  0: one that is free
/// @throws setup_error  when the port cannot be had
weft::task<> serve(weft::http::server& server, std::size_t port, std::string_view announcement = "listening on ");

/// Prints every error of a handler on stderr, after `program`.
void report_errors(weft::http::server& server, std::string_view program);

/// A runtime. @throws setup_error  naming the option or environment variable that is wrong
[[nodiscard]] std::unique_ptr<weft::runtime> make_runtime(const weft::runtime_options& options = {});

/// Backlog and limits for a thousand connections that come at once.
[[nodiscard]] weft::http::server_options many_connections();

}  // namespace user_page
