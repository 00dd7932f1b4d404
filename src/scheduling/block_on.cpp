// The frame around an asynchronous main function.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/block_on.hpp"

#include <cstdio>
#include <exception>
#include <string>

#include "scheduling/default_runtime.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {
// For what the shutdown token ends. What has no token is destroyed where it waits.
constexpr auto epilogue_limit = std::chrono::milliseconds(200);
}  // namespace

int run_main_body(unique_function<int()> body) noexcept {
    int status = 1;
    try {
        status = body();
    } catch (...) {
        const std::string message = message_of(std::current_exception());
        std::fprintf(stderr, "weft: unhandled exception in main: %s\n", message.c_str());
    }
    try {
        if (default_runtime_exists()) static_cast<void>(runtime::default_runtime().shutdown(epilogue_limit));
    } catch (...) {
        const std::string message = message_of(std::current_exception());
        std::fprintf(stderr, "weft: the default runtime did not shut down: %s\n", message.c_str());
    }
    return status;
}

}  // namespace weft::inline WEFT_ABI::detail
