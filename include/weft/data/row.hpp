#pragma once
// <weft/data/row.hpp>: how rows become values: scalars, tuples, and structs described by row_traits.
// SPDX-License-Identifier: MIT

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/data/database_error.hpp"
#include "weft/data/detail/row_source.hpp"
#include "weft/data/parameter.hpp"

namespace weft::inline WEFT_ABI::data {

/// One column of a described struct; `data::column("id", &user::id)`.
template <class Class, class Member>
class column {
public:
    constexpr column(std::string_view name, Member Class::* member) noexcept : name_(name), member_(member) {}
    [[nodiscard]] constexpr std::string_view name() const noexcept { return name_; }
    [[nodiscard]] constexpr Member Class::* member() const noexcept { return member_; }

private:
    std::string_view name_;
    Member Class::* member_;
};

/// The columns of a described struct, for row_traits.
template <class... Columns>
[[nodiscard]] constexpr std::tuple<Columns...> columns(Columns... list) noexcept {
    return std::tuple<Columns...>(list...);
}

/// Says how a T is read from a row. Specialize it, in one of two ways:
///
///     template <> struct weft::data::row_traits<user> {
///         static constexpr auto columns = weft::data::columns(weft::data::column("id", &user::id),
///                                                             weft::data::column("name", &user::name));
///     };
///     template <> struct weft::data::row_traits<point> {
///         static point read(const weft::data::row& from) { return point(from.get<double>("x"), from.get<double>("y")); }
///     };
///
/// The first needs a default constructor. Columns are found by name, whatever their order and case; others are ignored. A member
/// that may be NULL is a std::optional.
///
/// Threads  reading happens on the connection's own thread.
template <class T>
struct row_traits {};

/// One row while it is read. @throws database_error (mapping) from every getter, naming the column and the statement
///
/// Lifetime  only during row_traits<T>::read().
class row {
public:
    [[nodiscard]] int column_count() const noexcept { return source_->column_count(); }
    [[nodiscard]] std::string_view column_name(int index) const { return source_->name(detail::checked(*source_, index)); }
    [[nodiscard]] bool is_null(int index) const {
        return source_->type(detail::checked(*source_, index)) == detail::column_type::null;
    }
    [[nodiscard]] bool is_null(std::string_view name) const { return is_null(index_of(name)); }
    /// Where the column is; names compare without case.
    [[nodiscard]] int index_of(std::string_view name) const { return detail::find_column(*source_, name); }

    /// The value as a T: bool, integer, enumeration, floating-point number, std::string, std::vector<std::byte>, optional of these.
    template <class T>
    [[nodiscard]] T get(int index) const;
    template <class T>
    [[nodiscard]] T get(std::string_view name) const {
        return get<T>(index_of(name));
    }

    /// @internal
    explicit row(const detail::row_source& source) noexcept : source_(&source) {}

private:
    const detail::row_source* source_;
};

// ---- implementation

namespace detail {

/// A type that one column holds.
template <class T>
concept scalar = whole_number<T> || std::is_enum_v<T> || std::floating_point<T> || std::same_as<T, std::string> ||
    std::same_as<T, std::vector<std::byte>>;
template <class T>
inline constexpr bool is_scalar_or_optional = scalar<T>;
template <class T>
inline constexpr bool is_scalar_or_optional<std::optional<T>> = scalar<T>;

/// The value of a column that is there.
template <class T>
T read_value(const row_source& from, int index) {
    static_assert(is_scalar_or_optional<T>,
        "a column is read into a bool, a number, an enumeration, std::string, std::vector<std::byte>, or a "
        "std::optional of one of these");
    if constexpr (is_optional<T>) {
        if (from.type(index) == column_type::null) return std::nullopt;
        return read_value<typename T::value_type>(from, index);
    } else if constexpr (std::same_as<T, bool>) {
        return read_integer(from, index, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
                   "a bool") != 0;
    } else if constexpr (std::is_enum_v<T>) {
        return static_cast<T>(read_value<std::underlying_type_t<T>>(from, index));
    } else if constexpr (std::integral<T>) {
        constexpr std::int64_t lowest =
            std::signed_integral<T> ? static_cast<std::int64_t>(std::numeric_limits<T>::min()) : 0;
        constexpr std::int64_t highest = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
            ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
            : std::numeric_limits<std::int64_t>::max();
        return static_cast<T>(read_integer(from, index, lowest, highest, "an integer"));
    } else if constexpr (std::floating_point<T>) {
        return static_cast<T>(read_real(from, index));
    } else if constexpr (std::same_as<T, std::string>) {
        return std::string(read_text(from, index));
    } else {
        const std::span<const std::byte> bytes = read_blob(from, index);
        return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
}

template <class T>
concept described_by_columns = requires { row_traits<T>::columns; };
template <class T>
concept described_by_function = requires(const row& from) {
    { row_traits<T>::read(from) } -> std::convertible_to<T>;
};

/// Reads rows into Ts: bind() once a result, then read() for each row.
template <class T>
class row_decoder {
    static_assert(described_by_columns<T> || described_by_function<T>,
        "this type is no scalar and no tuple: describe its columns by specializing weft::data::row_traits");

public:
    void bind(const row_source& source) {
        if constexpr (!described_by_function<T>)
            std::apply(
                [&](const auto&... list) {
                    std::size_t next = 0;
                    ((where_[next++] = find_column(source, list.name())), ...);
                },
                row_traits<T>::columns);
    }
    [[nodiscard]] T read(const row_source& source) const {
        if constexpr (described_by_function<T>) {
            return row_traits<T>::read(row(source));
        } else {
            T value{};
            std::apply(
                [&](const auto&... list) {
                    std::size_t next = 0;
                    (assign(value.*(list.member()), source, where_[next++]), ...);
                },
                row_traits<T>::columns);
            return value;
        }
    }

private:
    template <class Member>
    static void assign(Member& member, const row_source& source, int index) {
        member = read_value<Member>(source, index);
    }
    static constexpr std::size_t count = [] {
        if constexpr (described_by_function<T>) return std::size_t{0};
        else return std::tuple_size_v<std::remove_cvref_t<decltype(row_traits<T>::columns)>>;
    }();
    std::array<int, count> where_{};
};

/// The first column.
template <class T>
    requires is_scalar_or_optional<T>
class row_decoder<T> {
public:
    void bind(const row_source&) noexcept {}
    [[nodiscard]] T read(const row_source& source) const { return read_value<T>(source, 0); }
};

/// As many columns as members, by position.
template <class... Ts>
class row_decoder<std::tuple<Ts...>> {
public:
    void bind(const row_source& source) { require_columns(source, static_cast<int>(sizeof...(Ts))); }
    [[nodiscard]] std::tuple<Ts...> read(const row_source& source) const {
        return read_all(source, std::index_sequence_for<Ts...>());
    }

private:
    template <std::size_t... Index>
    static std::tuple<Ts...> read_all(const row_source& source, std::index_sequence<Index...>) {
        return std::tuple<Ts...>(read_value<Ts>(source, static_cast<int>(Index))...);
    }
};

}  // namespace detail

template <class T>
T row::get(int index) const {
    return detail::read_value<T>(*source_, detail::checked(*source_, index));
}

}  // namespace weft::inline WEFT_ABI::data
