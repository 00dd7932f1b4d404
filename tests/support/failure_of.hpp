#pragma once
// tests/support/failure_of.hpp: how a task ended, as a word or a sentence.
// SPDX-License-Identifier: MIT

#include <exception>
#include <string>
#include <utility>

#include "weft/base/error.hpp"
#include "weft/task/task.hpp"

namespace weft_test {

/// "canceled", the message, or nothing.
template <class T>
weft::task<std::string> failure_of(weft::task<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const weft::operation_canceled&) {
        co_return "canceled";
    } catch (const std::exception& error) {
        co_return std::string(error.what());
    }
    co_return std::string();
}

}  // namespace weft_test
