// A parameter that its author marks is watched by clang: a kept task of a temporary is refused.
// expect: temporary whose address is used as value of local variable 'later'
// only: clang
// flags: -Werror=dangling
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

#include <string>

weft::task<> send(const std::string& text [[clang::lifetimebound]]) {
    static_cast<void>(text);
    co_return;
}

weft::task<> wrong() {
    auto later = send(std::string("text"));
    co_await later;
}
