#pragma once
// <weft/data/parameter.hpp>: the arguments of a statement, which always travel beside its text and never inside it.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"

namespace weft::inline WEFT_ABI::data {

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
/// bool and the integers that hold numbers, not letters.
template <class T>
concept whole_number = std::integral<T> && !character<T>;

[[noreturn]] void throw_argument_too_large(unsigned long long value);

}  // namespace detail

/// One argument: NULL, a whole number, a floating-point number, text or a blob. A value type that owns what it holds.
///
/// Made from bool, integers, enumerations, floating-point numbers, strings, byte vectors and spans, `nullptr`, `std::nullopt`, and
/// optionals of these.
class parameter {
public:
    using value_type = std::variant<std::monostate, std::int64_t, double, std::string, std::vector<std::byte>>;

    /// NULL.
    parameter() noexcept = default;
    /// @throws database_error  for an unsigned number that exceeds 63 bits
    template <class T>
        requires(!std::same_as<std::remove_cvref_t<T>, parameter>)
    explicit parameter(T&& value) : value_(store(std::forward<T>(value))) {}

    [[nodiscard]] const value_type& value() const noexcept { return value_; }
    /// The name it is bound to; empty: it is bound by its position.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    template <class T>
    friend parameter named(std::string_view name, T&& value);

    template <class T>
    static value_type store(T&& value) {
        using plain = std::remove_cvref_t<T>;
        static_assert(!std::same_as<plain, cancellation_token>,
            "a cancellation_token goes in front of the statement: db.query<T>(token, sql, args...)");
        if constexpr (std::same_as<plain, std::nullptr_t> || std::same_as<plain, std::nullopt_t>) {
            return {};
        } else if constexpr (detail::is_optional<plain>) {
            return value ? store(*std::forward<T>(value)) : value_type();
        } else if constexpr (std::is_enum_v<plain>) {
            return store(static_cast<std::underlying_type_t<plain>>(value));
        } else if constexpr (detail::whole_number<plain>) {
            if (!std::in_range<std::int64_t>(static_cast<whole_of<plain>>(value)))
                detail::throw_argument_too_large(static_cast<unsigned long long>(value));
            return static_cast<std::int64_t>(value);
        } else if constexpr (std::floating_point<plain>) {
            return static_cast<double>(value);
        } else if constexpr (std::same_as<plain, std::string> || std::same_as<plain, std::vector<std::byte>>) {
            return std::forward<T>(value);
        } else if constexpr (std::is_convertible_v<T, std::string_view>) {
            if constexpr (std::is_pointer_v<plain>) {
                if (value == nullptr) return {};
            }
            return std::string(std::string_view(value));
        } else {
            static_assert(std::is_convertible_v<T, std::span<const std::byte>>,
                "an argument of a statement is a number, a bool, an enumeration, text, bytes, nullptr, or an optional "
                "of one of these");
            const std::span<const std::byte> bytes(value);
            return std::vector<std::byte>(bytes.begin(), bytes.end());
        }
    }
    template <class T>
    using whole_of = std::conditional_t<std::same_as<T, bool>, int, T>;

    value_type value_;
    std::string name_;
};

/// An argument for the provider's own placeholder `:name`, `@name` or `$name`, wherever it stands.
/// Example  `co_await db.query<user>("select id, name from users where name = :name", data::named("name", text));`
template <class T>
[[nodiscard]] parameter named(std::string_view name, T&& value) {
    parameter result(std::forward<T>(value));
    result.name_ = name;
    return result;
}

namespace detail {

/// A statement and its arguments.
class command {
public:
    template <class... Args>
    explicit command(std::string_view text, Args&&... args) : sql(text) {
        arguments.reserve(sizeof...(Args));
        (arguments.emplace_back(std::forward<Args>(args)), ...);
    }

    std::string sql;
    std::vector<parameter> arguments;
};

}  // namespace detail

}  // namespace weft::inline WEFT_ABI::data
