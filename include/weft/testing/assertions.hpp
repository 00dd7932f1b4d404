#pragma once
// <weft/testing/assertions.hpp>: GoogleTest cases whose bodies are coroutines, run in virtual time.
//
// The macros use GoogleTest; include <gtest/gtest.h> beside this header. WEFT_SEED=n runs each case under that seed of the
// deterministic scheduler, WEFT_SCHEDULES=n under that many seeds, one after another.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <exception>
#include <string>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// Ends a test's coroutine after its failure has been recorded.
class requirement_failed final : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "a WEFT_REQUIRE failed"; }
};

/// "async_mutex: grants in order" is the test grants_in_order of the suite async_mutex; without a colon the suite is the file.
[[nodiscard]] std::string suite_of(const char* promise, const char* file);
[[nodiscard]] std::string name_of(const char* promise);

/// Whether this is a later round of a simulated program. GoogleTest repeats the whole program, and what explores by itself has run
/// under all of its schedules in the first round.
[[nodiscard]] bool explored_before();

/// Runs `body` in a deterministic scheduler, once for each seed asked for, until a run fails. With WEFT_SIM=1: explores it.
/// @param has_failed  whether the framework has recorded a failure
/// @param schedules   how many seeds, unless the environment says so
/// @returns what to report at the test's head; empty when all is well
[[nodiscard]] std::string run_test(task<> (*body)(), bool (*has_failed)(), std::uint64_t schedules = 1);

}  // namespace weft::inline WEFT_ABI::testing::detail

#define WEFT_DETAIL_JOIN_AGAIN(a, b) a##b
#define WEFT_DETAIL_JOIN(a, b) WEFT_DETAIL_JOIN_AGAIN(a, b)

/// A test case named by the promise it keeps: `WEFT_TEST("async_mutex: a cancelled waiter takes no turn") { co_await …; }`
/// The body is a coroutine without result. Use EXPECT_* and WEFT_REQUIRE in it; ASSERT_* returns and cannot stand there.
#define WEFT_TEST(promise) WEFT_EXPLORE_TEST(promise, 1)

/// As WEFT_TEST, for a promise that must hold in every order: the body runs under `schedules` seeds, the plain order first.
#define WEFT_EXPLORE_TEST(promise, schedules)                                                                            \
    static ::weft::task<> WEFT_DETAIL_JOIN(weft_test_body_, __LINE__)();                                                 \
    namespace {                                                                                                          \
    class WEFT_DETAIL_JOIN(weft_test_case_, __LINE__) final : public ::testing::Test {                                   \
        void TestBody() override {                                                                                       \
            const ::std::string failure = ::weft::testing::detail::run_test(                                             \
                &WEFT_DETAIL_JOIN(weft_test_body_, __LINE__), [] { return ::testing::Test::HasFailure(); }, schedules);  \
            if (!failure.empty()) ADD_FAILURE() << (promise) << ": " << failure;                                         \
        }                                                                                                                \
    };                                                                                                                   \
    [[maybe_unused]] const auto* const WEFT_DETAIL_JOIN(weft_test_info_, __LINE__) = ::testing::RegisterTest(            \
        ::weft::testing::detail::suite_of(promise, __FILE__).c_str(), ::weft::testing::detail::name_of(promise).c_str(), \
        nullptr, nullptr, __FILE__, __LINE__,                                                                            \
        []() -> ::testing::Test* { return new WEFT_DETAIL_JOIN(weft_test_case_, __LINE__); });                           \
    }                                                                                                                    \
    static ::weft::task<> WEFT_DETAIL_JOIN(weft_test_body_, __LINE__)()

/// Ends the test, as failed, unless `condition` holds. It may await.
#define WEFT_REQUIRE(condition)                                  \
    do {                                                         \
        const bool weft_holds = static_cast<bool>(condition);    \
        if (!weft_holds) {                                       \
            ADD_FAILURE() << "required: " #condition;            \
            throw ::weft::testing::detail::requirement_failed(); \
        }                                                        \
    } while (false)

/// Records a failure unless `expression`, which may await, throws a `type`.
#define WEFT_CHECK_THROWS_AS(expression, type)                                           \
    do {                                                                                 \
        bool weft_threw = false;                                                         \
        try {                                                                            \
            static_cast<void>(expression);                                               \
        } catch (const type&) {                                                          \
            weft_threw = true;                                                           \
        } catch (...) {                                                                  \
            weft_threw = true;                                                           \
            ADD_FAILURE() << #expression " threw another exception than " #type ": "     \
                          << ::weft::message_of(::std::current_exception());             \
        }                                                                                \
        if (!weft_threw) ADD_FAILURE() << #expression " threw nothing; expected " #type; \
    } while (false)
