// An async_void keeps its parameters as every coroutine does.
// expect: a coroutine's parameter may not be an rvalue reference: take it by value, the coroutine then owns it
// SPDX-License-Identifier: MIT
#include "weft/async_void.hpp"

#include <string>

weft::async_void clicked(std::string&& name) {
    static_cast<void>(name);
    co_return;
}
