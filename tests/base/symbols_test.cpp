// A report names functions of this very program, also those that no linker exports.
// SPDX-License-Identifier: MIT

#include "weft/base/symbols.hpp"

#include <gtest/gtest.h>

#include <coroutine>

namespace {

using weft::detail::function_name;

[[gnu::noinline]] int static_function(int value) { return value * 3; }

struct bare_coroutine {
    struct promise_type {
        bare_coroutine get_return_object() {
            return bare_coroutine{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {}
    };
    std::coroutine_handle<promise_type> handle;
};

bare_coroutine a_named_coroutine(int) { co_return; }

TEST(symbols, a_static_function_has_its_name) {
    EXPECT_NE(
        function_name(reinterpret_cast<const void*>(&static_function)).find("static_function(int)"), std::string::npos);
}

TEST(symbols, the_resume_function_of_a_coroutine_has_the_coroutines_name) {
    const bare_coroutine made = a_named_coroutine(1);
    // The first word of a frame is what resume() calls, on both compilers.
    const void* resume = *static_cast<void**>(made.handle.address());
    const std::string name = function_name(resume);
    EXPECT_NE(name.find("a_named_coroutine(int)"), std::string::npos) << name;
    EXPECT_EQ(name.find(".resume"), std::string::npos) << name;
    EXPECT_EQ(name.find("Frame"), std::string::npos) << name;
    made.handle.destroy();
}

TEST(symbols, an_address_without_a_function_says_where_it_lies) {
    static const int not_code = 3;
    const std::string name = function_name(&not_code);
    EXPECT_EQ(name.substr(0, 2), "0x") << name;
}

}  // namespace
