#pragma once
// <weft/data/queries.hpp>: query() and execute(), as databases, connections and transactions offer them.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/data/detail/jobs.hpp"
#include "weft/data/row.hpp"

namespace weft::inline WEFT_ABI::data {

/// The statements one can run on a Derived.
///
/// Placeholders are `{0}`, `{1}`, … on every provider: each stands for one of the trailing arguments, which is sent beside the
/// statement as a parameter, never put into its text. The provider's own (`?1`, `:name`) are accepted instead. Braces in literals
/// and comments are left alone. Arguments and text are copied before the call returns.
///
/// T is a scalar, a std::optional of one, a std::tuple of these, or a struct that row_traits describes.
///
/// Continuation  as for any task: the captured context, else the pool. Nothing of yours runs on the connection's thread, except
///               what row_traits<T>::read() and constructors of T do.
/// Threads       every member may be called from any thread; what is called first is queued first.
/// Throws        database_error through the task, with the statement; object_disposed when the database is closed.
/// Cancellation  the token goes in front of the statement. What is still queued never runs, what is running is interrupted, and
///               the task ends as canceled; the connection stays usable. A result that is already there wins.
template <class Derived>
class queries {
public:
    /// Every row.
    template <class T, class... Args>
    [[nodiscard]] task<std::vector<T>> query(std::string_view sql, Args&&... args) const {
        return query<T>(cancellation_token(), sql, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] task<std::vector<T>> query(cancellation_token token, std::string_view sql, Args&&... args) const {
        return detail::started<std::vector<T>>([&] {
            return detail::query_rows<T>(where(), std::move(token), detail::command(sql, std::forward<Args>(args)...));
        });
    }

    /// The only row. @throws database_error (row_count)  when there is none, or a second one
    template <class T, class... Args>
    [[nodiscard]] task<T> query_one(std::string_view sql, Args&&... args) const {
        return query_one<T>(cancellation_token(), sql, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] task<T> query_one(cancellation_token token, std::string_view sql, Args&&... args) const {
        return detail::started<T>([&] {
            return detail::query_one_row<T>(where(), std::move(token), detail::command(sql, std::forward<Args>(args)...));
        });
    }

    /// The only row, or nothing. @throws database_error (row_count)  when there is a second one
    template <class T, class... Args>
    [[nodiscard]] task<std::optional<T>> query_optional(std::string_view sql, Args&&... args) const {
        return query_optional<T>(cancellation_token(), sql, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] task<std::optional<T>> query_optional(
        cancellation_token token, std::string_view sql, Args&&... args) const {
        return detail::started<std::optional<T>>([&] {
            return detail::query_row<T>(where(), std::move(token), detail::command(sql, std::forward<Args>(args)...),
                detail::expectation::one_or_none);
        });
    }

    /// The first row, or a T{} when there is none.
    template <class T, class... Args>
    [[nodiscard]] task<T> first_or_default(std::string_view sql, Args&&... args) const {
        return first_or_default<T>(cancellation_token(), sql, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] task<T> first_or_default(cancellation_token token, std::string_view sql, Args&&... args) const {
        return detail::started<T>([&] {
            return detail::query_first_or_default<T>(
                where(), std::move(token), detail::command(sql, std::forward<Args>(args)...));
        });
    }

    /// The first column of the first row. Without a row a std::optional is empty. Follows DbCommand.ExecuteScalarAsync.
    /// @throws database_error (row_count)  without a row, when T is not optional
    template <class T, class... Args>
    [[nodiscard]] task<T> query_scalar(std::string_view sql, Args&&... args) const {
        return query_scalar<T>(cancellation_token(), sql, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] task<T> query_scalar(cancellation_token token, std::string_view sql, Args&&... args) const {
        static_assert(detail::is_scalar_or_optional<T>, "query_scalar reads one column; use query_one for whole rows");
        return detail::started<T>([&] {
            return detail::query_first_value<T>(
                where(), std::move(token), detail::command(sql, std::forward<Args>(args)...));
        });
    }

    /// Runs one or several statements and drops their rows. @returns how many rows they inserted, changed or deleted
    template <class... Args>
    [[nodiscard]] task<std::int64_t> execute(std::string_view sql, Args&&... args) const {
        return execute(cancellation_token(), sql, std::forward<Args>(args)...);
    }
    template <class... Args>
    [[nodiscard]] task<std::int64_t> execute(cancellation_token token, std::string_view sql, Args&&... args) const {
        return detail::started<std::int64_t>([&] {
            return detail::execute_command(where(), std::move(token), detail::command(sql, std::forward<Args>(args)...));
        });
    }

protected:
    queries() = default;
    queries(const queries&) = default;
    queries(queries&&) = default;
    queries& operator=(const queries&) = default;
    queries& operator=(queries&&) = default;
    ~queries() = default;

private:
    [[nodiscard]] detail::target where() const { return static_cast<const Derived&>(*this).statement_target(); }
};

}  // namespace weft::inline WEFT_ABI::data
