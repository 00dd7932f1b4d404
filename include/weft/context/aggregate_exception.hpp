#pragma once
// <weft/context/aggregate_exception.hpp>: several exceptions in one, in order.
// Follows System.AggregateException (semantics 1.14).
// SPDX-License-Identifier: MIT

#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"

namespace weft::inline WEFT_ABI {

/// Holds the errors of an operation that can have several: a waited-for task, a combinator, a cancellation's callbacks.
///
/// A value: copies share the immutable list, and copying never throws.
class aggregate_exception : public std::exception {
public:
    /// @param inner    the errors, in order; may be empty
    /// @param message  stands in front of the inner messages in what(); empty for the default sentence
    /// @throws std::invalid_argument  if one of `inner` is null
    explicit aggregate_exception(std::vector<std::exception_ptr> inner = {}, std::string message = {});

    /// The message, followed by each inner exception's in parentheses.
    [[nodiscard]] const char* what() const noexcept override;

    /// The errors, in order. Valid while any copy of this exception lives.
    [[nodiscard]] std::span<const std::exception_ptr> inner_exceptions() const noexcept;
    /// The first error; null if there is none.
    [[nodiscard]] std::exception_ptr inner_exception() const noexcept;

    /// The same errors with nested aggregates opened, level by level; order and duplicates stay.
    [[nodiscard]] aggregate_exception flatten() const;

    /// Calls `predicate` for each error. @throws aggregate_exception  of those for which it returned false, if any;
    /// and whatever `predicate` throws
    void handle(unique_function<bool(const std::exception_ptr&)> predicate) const;

    /// The end of the chain of aggregates with a single error: an ordinary error, or an aggregate of none or several.
    [[nodiscard]] std::exception_ptr base_exception() const;

private:
    struct contents {
        std::vector<std::exception_ptr> inner;
        std::string message;
        std::string text;
    };
    std::shared_ptr<const contents> contents_;
};

}  // namespace weft::inline WEFT_ABI
