// src/io/attempts.cpp: what an operation was trying to do, in the words of its error.
// SPDX-License-Identifier: MIT

#include "weft/io/detail/descriptor_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {
std::string on_name(const char* attempt, const descriptor_state& state) {
    return std::string(attempt) + " '" + state.name() + "'";
}
}  // namespace

std::string attempt_to_read(const descriptor_state& state) { return on_name("read from", state); }
std::string attempt_to_write(const descriptor_state& state) { return on_name("write to", state); }
std::string attempt_to_connect(const descriptor_state& state) { return on_name("connect to", state); }
std::string attempt_to_accept(const descriptor_state& state) { return on_name("accept on", state); }
std::string attempt_to_open(const descriptor_state& state) { return on_name("open", state); }
std::string attempt_to_sync(const descriptor_state& state) { return on_name("write to disk", state); }
std::string attempt_to_stat(const descriptor_state& state) { return on_name("ask for the state of", state); }
std::string attempt_to_truncate(const descriptor_state& state) { return on_name("change the size of", state); }
std::string attempt_to_allocate(const descriptor_state& state) { return on_name("allocate room for", state); }
std::string attempt_to_change_mode(const descriptor_state& state) { return on_name("change the permissions of", state); }
std::string attempt_to_list(const descriptor_state& state) { return on_name("list", state); }
std::string attempt_to_await(const descriptor_state& state) { return on_name("wait for", state); }
std::string attempt_on_path(const descriptor_state& state) { return state.name(); }

}  // namespace weft::inline WEFT_ABI::detail
