#pragma once
// user_page/json.hpp: a JSON value, as much of it as the report and the messages between the three programs need.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace user_page {

/// A JSON value; objects keep the order in which members were added.
class json {
public:
    using array = std::vector<json>;
    using object = std::vector<std::pair<std::string, json>>;

    json() = default;
    json(bool value) : value_(value) {}
    json(const char* text) : value_(std::string(text)) {}
    json(std::string_view text) : value_(std::string(text)) {}
    json(std::string text) : value_(std::move(text)) {}
    json(array items) : value_(std::move(items)) {}
    json(object members) : value_(std::move(members)) {}
    template <class Number>
        requires(std::integral<Number> || std::floating_point<Number>) && (!std::same_as<Number, bool>)
    json(Number value) : value_(static_cast<double>(value)) {}

    /// @throws std::runtime_error  naming the position and what was expected there
    [[nodiscard]] static json parse(std::string_view text);
    /// On one line, or indented with a line a member.
    [[nodiscard]] std::string dump(bool indented = false) const;

    /// The member `key`, added if it is missing; a null becomes an object.
    json& operator[](std::string_view key);
    /// Appends to an array; a null becomes one.
    void push_back(json item);

    /// The value at `path`, member names joined by dots; null if there is none.
    [[nodiscard]] const json* find(std::string_view path) const;
    /// The number, text or items at `path` ("" is this value). @throws std::runtime_error  naming the path
    [[nodiscard]] double number(std::string_view path = {}) const;
    [[nodiscard]] const std::string& text(std::string_view path = {}) const;
    [[nodiscard]] const array& items(std::string_view path = {}) const;

private:
    [[nodiscard]] const json& require(std::string_view path, const char* kind, std::size_t index) const;
    void write(std::string& out, bool indented, std::size_t depth) const;

    std::variant<std::monostate, bool, double, std::string, array, object> value_;
};

/// `value` with at most three decimals and none that are zero: 12, 0.5.
[[nodiscard]] std::string number_text(double value);

}  // namespace user_page
