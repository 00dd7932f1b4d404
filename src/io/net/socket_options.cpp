// src/io/net/socket_options.cpp: options through the driver, refused ones with their names.
// SPDX-License-Identifier: MIT

#include "io/net/socket_options.hpp"

#include <system_error>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

void fail_socket(int error, const std::string& attempt) {
    throw io_error(std::error_code(error, std::generic_category()), attempt);
}

void set_socket_option(
    descriptor_state& state, int level, int option, const void* value, socklen_t size, std::string_view name) {
    const descriptor_use use(state);
    if (const int result = state.driver().set_option(state.fd(), level, option, value, size); result < 0)
        fail_socket(-result, "set " + std::string(name) + " on '" + state.name() + "'");
}

void set_socket_option(descriptor_state& state, int level, int option, int value, std::string_view name) {
    set_socket_option(state, level, option, &value, sizeof value, name);
}

}  // namespace weft::inline WEFT_ABI::detail
