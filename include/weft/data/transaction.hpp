#pragma once
// <weft/data/transaction.hpp>: several statements that take effect together, or not at all.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "weft/data/queries.hpp"

namespace weft::inline WEFT_ABI::data {

/// When a transaction takes its locks.
enum class transaction_mode : std::uint8_t {
    immediate,  ///< at once for writing, so that it never has to wait in its middle; the default
    deferred,   ///< with the first statement, for reading or writing: for transactions that only read
    exclusive   ///< at once, against readers too where the database is not in WAL mode
};

namespace detail {
class transaction_state;
}

/// An open transaction. Statements run through it see its changes; nobody else does before commit().
///
/// A resource: move-only. Dropping one that is open never waits: the rollback is queued on its connection.
///
/// Threads   run one statement at a time; several are run in the order of their calls.
/// Lifetime  holds one connection of the database until it ends. A second statement that goes to the database itself needs
///           another one: inside a transaction use the transaction.
class transaction : public queries<transaction> {
public:
    transaction(transaction&&) noexcept = default;
    transaction& operator=(transaction&&) noexcept = default;
    ~transaction();

    /// Makes the changes permanent and gives the connection back.
    /// @throws database_error      it is still open then: try again when the database was busy, or roll back
    /// @throws invalid_operation   when it is over already
    [[nodiscard]] task<> commit(cancellation_token token = {});
    /// Undoes everything and gives the connection back. Does nothing when the database has rolled it back itself.
    /// @throws invalid_operation   when it is over already
    [[nodiscard]] task<> rollback(cancellation_token token = {});

    /// Whether neither commit() nor rollback() has ended it.
    [[nodiscard]] bool is_open() const noexcept;

    /// @internal
    [[nodiscard]] detail::target statement_target() const;
    explicit transaction(std::shared_ptr<detail::transaction_state> state) noexcept;

private:
    std::shared_ptr<detail::transaction_state> state_;
};

namespace detail {

task<transaction> begin_transaction(target where, transaction_mode mode, cancellation_token token);

/// Calls a callable that may or may not take the token last.
template <class Function, class... Args>
auto call_with_token(Function& function, transaction& open, cancellation_token token, Args... args) {
    if constexpr (std::is_invocable_v<Function&, transaction&, Args..., cancellation_token>)
        return std::invoke(function, open, std::move(args)..., std::move(token));
    else return std::invoke(function, open, std::move(args)...);
}
template <class Function, class... Args>
using body_task = decltype(call_with_token<Function, Args...>(
    std::declval<Function&>(), std::declval<transaction&>(), std::declval<cancellation_token>(), std::declval<Args>()...));

// The callable and its arguments stay in this frame until the body is over: a capturing lambda coroutine is safe here.
template <class Result, class Function, class... Args>
task<Result> run_in_transaction(target where, cancellation_token token, Function body, Args... args) {
    transaction open = co_await begin_transaction(std::move(where), transaction_mode::immediate, token);
    std::exception_ptr error;
    std::optional<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>> result;
    try {
        auto running = call_with_token<Function, Args...>(body, open, token, std::move(args)...);
        if constexpr (std::is_void_v<Result>) co_await std::move(running);
        else result.emplace(co_await std::move(running));
        if (open.is_open()) co_await open.commit(token);
    } catch (...) {
        error = std::current_exception();
    }
    if (error != nullptr) {
        if (open.is_open()) {
            // What the body threw matters more than a rollback that fails; the connection is rolled back on release anyway.
            const outcome<> undone = co_await open.rollback().as_outcome();
            static_cast<void>(undone);
        }
        std::rethrow_exception(error);
    }
    if constexpr (!std::is_void_v<Result>) co_return std::move(*result);
}

/// begin_transaction() and in_transaction(), as databases and connections offer them.
template <class Derived>
class transactions {
public:
    /// Starts a transaction on a connection of its own; on a `connection`, on that one.
    /// @throws database_error     busy: another writer held the database for longer than the busy timeout
    /// @throws invalid_operation  on a connection that has one open already
    [[nodiscard]] task<transaction> begin_transaction(cancellation_token token = {}) const {
        return begin_transaction(transaction_mode::immediate, std::move(token));
    }
    [[nodiscard]] task<transaction> begin_transaction(transaction_mode mode, cancellation_token token = {}) const {
        return detail::begin_transaction(where(), mode, std::move(token));
    }

    /// Runs `body(transaction&)`, or `body(transaction&, token)`, which returns a task, in a transaction of its own: commits when
    /// it returns and gives its result; on an exception or a cancellation rolls back, awaits that, and throws it on.
    ///
    /// The operation owns the callable until it is over, so a capturing lambda coroutine is safe here.
    template <class Function>
        requires(!std::same_as<std::remove_cvref_t<Function>, cancellation_token>)
    [[nodiscard]] auto in_transaction(Function&& body, cancellation_token token = {}) const {
        return in_transaction(std::move(token), std::forward<Function>(body));
    }
    /// The same; the trailing arguments are passed to `body` after the transaction.
    template <class Function, class... Args>
    [[nodiscard]] auto in_transaction(cancellation_token token, Function&& body, Args&&... args) const {
        using result = typename detail::body_task<std::decay_t<Function>, std::decay_t<Args>...>::weft_task_result;
        return detail::run_in_transaction<result, std::decay_t<Function>, std::decay_t<Args>...>(
            where(), std::move(token), std::forward<Function>(body), std::forward<Args>(args)...);
    }

protected:
    transactions() = default;
    transactions(const transactions&) = default;
    transactions(transactions&&) = default;
    transactions& operator=(const transactions&) = default;
    transactions& operator=(transactions&&) = default;
    ~transactions() = default;

private:
    [[nodiscard]] target where() const { return static_cast<const Derived&>(*this).statement_target(); }
};

}  // namespace detail

}  // namespace weft::inline WEFT_ABI::data
