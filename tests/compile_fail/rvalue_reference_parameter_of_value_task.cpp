// A member function that is a coroutine, and one that returns a value_task, keep their parameters, too.
// expect: a coroutine's parameter may not be an rvalue reference: take it by value, the coroutine then owns it
// SPDX-License-Identifier: MIT
#include "weft/value_task.hpp"

#include <string>

struct mailbox {
    weft::value_task<int> send(std::string&& text) {
        static_cast<void>(text);
        co_return 1;
    }
};
