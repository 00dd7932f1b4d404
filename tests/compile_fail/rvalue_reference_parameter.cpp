// A coroutine that takes an rvalue reference would refer to a temporary that is gone after its first suspension.
// expect: by value
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

#include <string>

weft::task<> wrong(std::string&& text) {
    static_cast<void>(text);
    co_return;
}
