// SPDX-License-Identifier: MIT

#include "testing/replay.hpp"

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

std::uint64_t number_in(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("'" + std::string(text) + "' is no part of a replay");
    return value;
}

// More zeros than any schedule has choices: a mistyped text shall not take all memory.
constexpr std::uint64_t most_zeros = 10'000'000;

}  // namespace

std::string to_replay(std::uint64_t seed, std::span<const std::uint64_t> answers) {
    while (!answers.empty() && answers.back() == 0) answers = answers.first(answers.size() - 1);
    char hex[17];
    const auto end = std::to_chars(hex, hex + 16, seed, 16).ptr;
    std::string text = "w1-" + std::string(hex, end) + "-";
    for (std::size_t i = 0; i < answers.size();) {
        if (text.back() != '-') text += '.';
        std::size_t zeros = 0;
        while (answers[i + zeros] == 0) ++zeros;
        if (zeros > 1) {
            text += 'z' + std::to_string(zeros);
            i += zeros;
        } else {
            text += std::to_string(answers[i]);
            ++i;
        }
    }
    return text;
}

replayed from_replay(const std::string& text) {
    const std::size_t dash = text.find('-', 3);
    if (!text.starts_with("w1-") || dash == std::string::npos)
        throw std::invalid_argument("'" + text + "' is no replay of this version");
    replayed read;
    read.seed = number_in(std::string_view(text).substr(3, dash - 3), 16);
    std::string_view rest = std::string_view(text).substr(dash + 1);
    while (!rest.empty()) {
        const std::size_t dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
        if (!part.starts_with('z')) {
            read.answers.push_back(number_in(part, 10));
            continue;
        }
        const std::uint64_t zeros = number_in(part.substr(1), 10);
        if (zeros > most_zeros) throw std::invalid_argument("'" + std::string(part) + "' is no part of a replay");
        read.answers.insert(read.answers.end(), static_cast<std::size_t>(zeros), 0);
    }
    return read;
}

}  // namespace weft::inline WEFT_ABI::testing::detail
