// Ends the process with a sentence. Only write() is used: a broken invariant may be met in a signal handler or out of memory.
// SPDX-License-Identifier: MIT

#include "weft/base/assert.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace weft::inline WEFT_ABI::detail {

namespace {

void say(const char* text, std::size_t size) noexcept {
    while (size > 0) {
        const ssize_t written = ::write(STDERR_FILENO, text, size);
        if (written <= 0) return;
        text += written;
        size -= static_cast<std::size_t>(written);
    }
}

void say(const char* text) noexcept { say(text, std::strlen(text)); }

void say(int number) noexcept {
    char digits[12];
    char* cursor = digits + sizeof digits;
    do {
        *--cursor = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number > 0);
    say(cursor, static_cast<std::size_t>(digits + sizeof digits - cursor));
}

}  // namespace

void fail(const char* sentence, const char* file, int line) noexcept {
    say("weft: ");
    say(sentence);
    say(" (");
    say(file);
    say(":");
    say(line < 0 ? 0 : line);
    say(")\n");
    std::abort();
}

}  // namespace weft::inline WEFT_ABI::detail
