#pragma once
// Character classes of RFC 9110 and RFC 3986, as tables made at compile time.
// SPDX-License-Identifier: MIT

#include <array>
#include <cstdint>
#include <string_view>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::http::detail {

enum character_class : std::uint8_t {
    token_character = 1,       // tchar
    value_character = 2,       // what a field value may hold: HTAB, SP, VCHAR, obs-text
    unreserved_character = 4,  // RFC 3986: never needs percent-encoding
    target_character = 8,      // what a request target may hold
    digit_character = 16,
};

constexpr std::array<std::uint8_t, 256> make_character_table() {
    std::array<std::uint8_t, 256> table{};
    constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
    constexpr std::string_view unreserved_marks = "-._~";
    constexpr std::string_view not_in_target = "\"#<>\\^`{|}";
    for (unsigned c = 0; c < 256; ++c) {
        const char character = static_cast<char>(c);
        const bool digit = c >= '0' && c <= '9';
        const bool alnum = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        unsigned bits = 0;
        if (alnum || (c < 128 && c != 0 && token_marks.find(character) != std::string_view::npos)) bits |= token_character;
        if (c == '\t' || (c >= ' ' && c != 127)) bits |= value_character;
        if (alnum || (c < 128 && c != 0 && unreserved_marks.find(character) != std::string_view::npos))
            bits |= unreserved_character;
        if (c > ' ' && c < 127 && not_in_target.find(character) == std::string_view::npos) bits |= target_character;
        if (digit) bits |= digit_character;
        table[c] = static_cast<std::uint8_t>(bits);
    }
    return table;
}

inline constexpr std::array<std::uint8_t, 256> character_table = make_character_table();

[[nodiscard]] constexpr bool is(character_class wanted, char character) noexcept {
    return (character_table[static_cast<unsigned char>(character)] & wanted) != 0;
}
[[nodiscard]] constexpr bool all_are(character_class wanted, std::string_view text) noexcept {
    for (char character : text)
        if (!is(wanted, character)) return false;
    return true;
}
[[nodiscard]] constexpr char to_lower(char character) noexcept {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character | 0x20) : character;
}
/// 0 to 15, or -1 for what is no hexadecimal digit.
[[nodiscard]] constexpr int hex_value(char character) noexcept {
    if (character >= '0' && character <= '9') return character - '0';
    const char lower = to_lower(character);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace weft::inline WEFT_ABI::http::detail
