// Builds the sentences of I/O errors: what was tried, what happened in lower case, and the system's own name of the error.
// SPDX-License-Identifier: MIT

#include "weft/base/error.hpp"

#include <cstring>

namespace weft::inline WEFT_ABI {

namespace {

/// ENOENT and its like; empty where the C library cannot tell.
std::string symbol_of(int error) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
    if (const char* name = ::strerrorname_np(error)) return name;
#endif
    return "error " + std::to_string(error);
}

std::string sentence_of(const std::error_code& code, const std::string& attempt) {
    std::string reason = code.message();
    // "No such file" becomes "no such file", but an abbreviation such as "RPC" keeps its capitals.
    const bool one_capital =
        reason.size() > 1 && reason[0] >= 'A' && reason[0] <= 'Z' && !(reason[1] >= 'A' && reason[1] <= 'Z');
    if (one_capital) reason[0] = static_cast<char>(reason[0] - 'A' + 'a');

    const bool is_errno = code.category() == std::system_category() || code.category() == std::generic_category();
    const std::string name =
        is_errno ? symbol_of(code.value()) : std::string(code.category().name()) + ' ' + std::to_string(code.value());
    return attempt + " failed: " + reason + " (" + name + ')';
}

}  // namespace

io_error::io_error(std::error_code code, const std::string& attempt)
    : std::system_error(code), message_(sentence_of(code, attempt)) {}

std::string message_of(const std::exception_ptr& error) {
    if (error == nullptr) return {};
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

}  // namespace weft::inline WEFT_ABI
