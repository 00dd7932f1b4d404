#pragma once
// <weft/data/connection.hpp>: the exclusive use of one connection.
// SPDX-License-Identifier: MIT

#include "weft/data/queries.hpp"
#include "weft/data/transaction.hpp"

namespace weft::inline WEFT_ABI::data {

/// One connection that nobody else uses meanwhile: for temporary tables, pragmas, or statements that must follow one another.
/// database::connect() gives it.
///
/// A resource: move-only. Dropping it never waits: the connection finishes what it was given, rolls back what is open and goes
/// back to the database.
class connection : public queries<connection>, public detail::transactions<connection> {
public:
    connection(connection&&) noexcept = default;
    connection& operator=(connection&&) noexcept = default;
    ~connection() = default;

    /// @internal @throws invalid_operation  after a move
    [[nodiscard]] detail::target statement_target() const;
    explicit connection(detail::target where) noexcept : where_(std::move(where)) {}

private:
    detail::target where_;
};

}  // namespace weft::inline WEFT_ABI::data
