// SPDX-License-Identifier: MIT
#include "weft/base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <type_traits>

namespace {

using namespace weft;

TEST(io_error, says_what_was_tried_what_happened_and_the_systems_name) {
    const io_error error(std::error_code(ENOENT, std::system_category()), "open '/x'");
    EXPECT_STREQ(error.what(), "open '/x' failed: no such file or directory (ENOENT)");
    EXPECT_EQ(error.code().value(), ENOENT);
}

TEST(io_error, is_a_system_error_with_the_code) {
    try {
        throw io_error(std::make_error_code(std::errc::connection_refused), "connect to 'x:1'");
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::connection_refused);
        EXPECT_STREQ(error.what(), "connect to 'x:1' failed: connection refused (ECONNREFUSED)");
    }
}

TEST(io_error, names_the_category_of_a_foreign_code) {
    const io_error error(std::make_error_code(std::future_errc::broken_promise), "wait");
    EXPECT_NE(std::string(error.what()).find("(future 4)"), std::string::npos) << error.what();
}

TEST(io_error, copies_without_throwing) { EXPECT_TRUE(std::is_nothrow_copy_constructible_v<io_error>); }

TEST(errors, misuse_and_disposal_are_one_family) {
    EXPECT_TRUE((std::is_base_of_v<invalid_operation, object_disposed>));
    EXPECT_STREQ(object_disposed("channel").what(), "'channel' has been disposed");
}

TEST(message_of, reads_any_exception) {
    EXPECT_EQ(message_of(nullptr), "");
    EXPECT_EQ(message_of(std::make_exception_ptr(timeout_exception())), "the operation has timed out");
    EXPECT_EQ(message_of(std::make_exception_ptr(7)), "an exception that is not a std::exception");
}

}  // namespace
