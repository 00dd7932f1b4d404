#pragma once
// src/io/net/socket_options.hpp: options, addresses and errors, as every kind of socket needs them.
// SPDX-License-Identifier: MIT

#include <string>
#include <string_view>

#include <sys/socket.h>

#include "weft/io/detail/descriptor_state.hpp"

namespace weft::inline WEFT_ABI::detail {

/// @throws io_error  "<attempt> failed: ..."
[[noreturn]] void fail_socket(int error, const std::string& attempt);

/// @throws io_error  "set <name> on '<socket>'"
void set_socket_option(
    descriptor_state& state, int level, int option, const void* value, socklen_t size, std::string_view name);
void set_socket_option(descriptor_state& state, int level, int option, int value, std::string_view name);

}  // namespace weft::inline WEFT_ABI::detail
