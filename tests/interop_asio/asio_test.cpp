// SPDX-License-Identifier: MIT
#include "weft/interop/asio.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "weft/event_loop_context.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft;
namespace asio = boost::asio;

/// An io_context that runs on a thread of its own.
class asio_test : public ::testing::Test {
protected:
    ~asio_test() override {
        guard.reset();
        runner.join();
    }
    asio::io_context io;
    asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
    std::thread runner{[this] { io.run(); }};
};

// An operation with any signature, completed on the io_context.
template <class Signature, class Token, class... Values>
auto complete_with(asio::io_context& io, Token&& token, Values... values) {
    return asio::async_initiate<Token, Signature>(
        [&io](auto handler, auto... given) {
            asio::post(io, [done = std::move(handler), given...]() mutable { done(given...); });
        },
        token, std::move(values)...);
}

TEST_F(asio_test, an_operation_is_a_task_that_has_begun) {
    asio::steady_timer timer(io, 1ms);
    task<> waited = timer.async_wait(use_task);
    EXPECT_NO_THROW(waited.get());
}

TEST_F(asio_test, results_come_without_the_error_in_front) {
    using boost::system::error_code;
    EXPECT_EQ((complete_with<void(error_code, std::size_t)>(io, use_task, error_code(), std::size_t{5}).get()), 5U);
    EXPECT_EQ((complete_with<void(std::exception_ptr, std::string)>(io, use_task, std::exception_ptr(), std::string("text"))
                      .get()),
        "text");
    EXPECT_EQ((complete_with<void(int, char)>(io, use_task, 1, 'c').get()), (std::tuple<int, char>(1, 'c')));
    complete_with<void()>(io, use_task).get();
}

TEST_F(asio_test, errors_are_thrown_through_the_task) {
    const auto refused = make_error_code(asio::error::connection_refused);
    task<> failed = complete_with<void(boost::system::error_code)>(io, use_task, refused);
    try {
        failed.get();
        ADD_FAILURE();
    } catch (const boost::system::system_error& error) {
        EXPECT_EQ(error.code(), refused);
    }
    task<> threw = complete_with<void(std::exception_ptr)>(
        io, use_task, std::make_exception_ptr(std::runtime_error("of the operation")));
    EXPECT_THROW(threw.get(), std::runtime_error);
}

TEST_F(asio_test, the_token_stops_the_operation_and_cancels_the_task) {
    cancellation_source source;
    asio::steady_timer timer(io, 1h);
    task<> waited = timer.async_wait(use_task(source.token()));
    EXPECT_FALSE(waited.is_completed());
    source.cancel();
    try {
        waited.get();
        ADD_FAILURE();
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
    EXPECT_TRUE(waited.is_canceled());
    task<> never_begun = timer.async_wait(use_task(source.token()));
    EXPECT_TRUE(never_begun.is_canceled());
}

TEST_F(asio_test, an_operation_aborted_by_somebody_else_is_a_fault) {
    asio::steady_timer timer(io, 1h);
    task<> waited = timer.async_wait(use_task);
    asio::post(io, [&] { timer.cancel(); });
    EXPECT_THROW(waited.get(), boost::system::system_error);
}

TEST_F(asio_test, an_await_comes_back_to_its_context_and_not_to_asios_thread) {
    event_loop_context loop;
    const std::thread::id here = std::this_thread::get_id();
    asio::steady_timer timer(io, 1ms);
    const auto wait_in_loop = [](asio::steady_timer& on, std::thread::id thread) -> task<> {
        co_await on.async_wait(use_task);
        EXPECT_EQ(std::this_thread::get_id(), thread);
    };
    task<> waited;
    {
        const synchronization_context_scope scope(&loop);
        waited = wait_in_loop(timer, here);
    }
    loop.run_until(waited);
}

}  // namespace
