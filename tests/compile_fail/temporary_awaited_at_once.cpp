// The neighbour of temporary_kept_by_marked_parameter that is right: awaited in the statement that makes the temporary, or
// given what the caller keeps. A plain function that returns a task stays plain.
// accepts
// only: clang
// flags: -Werror=dangling
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

#include <string>

weft::task<> send(const std::string& text [[clang::lifetimebound]]) {
    static_cast<void>(text);
    co_return;
}

weft::task<> plain(const std::string& text) { return send(text); }

weft::task<> right() {
    co_await send(std::string("text"));
    std::string kept = "text";
    auto later = send(kept);
    co_await later;
    co_await plain(kept);
}
