#pragma once
// <weft/data/detail/row_source.hpp>: a provider's current row, and the checks that turn its columns into values.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::data::detail {

enum class column_type : std::uint8_t { null, integer, real, text, blob };

/// The row that the provider's thread stands on. Texts and blobs are valid until it steps on.
class row_source {
public:
    row_source(const row_source&) = delete;
    row_source& operator=(const row_source&) = delete;

    [[nodiscard]] virtual std::string_view sql() const noexcept = 0;
    [[nodiscard]] virtual int column_count() const noexcept = 0;
    [[nodiscard]] virtual std::string_view name(int index) const = 0;
    [[nodiscard]] virtual column_type type(int index) const noexcept = 0;
    [[nodiscard]] virtual std::int64_t integer(int index) const noexcept = 0;
    [[nodiscard]] virtual double real(int index) const noexcept = 0;
    [[nodiscard]] virtual std::string_view text(int index) const = 0;
    [[nodiscard]] virtual std::span<const std::byte> blob(int index) const = 0;

protected:
    row_source() = default;
    ~row_source() = default;
};

/// Takes the rows of a result on the provider's thread.
class row_sink {
public:
    row_sink(const row_sink&) = delete;
    row_sink& operator=(const row_sink&) = delete;

    /// Called once, before any row, also when there is none.
    virtual void begin(const row_source& source) = 0;
    /// @returns false when it needs no more rows
    virtual bool add(const row_source& source) = 0;

protected:
    row_sink() = default;
    ~row_sink() = default;
};

// All of these throw database_error (mapping), naming the column and the statement.

/// `index`, if there is such a column.
[[nodiscard]] int checked(const row_source& source, int index);
/// The column of that name, in any case.
[[nodiscard]] int find_column(const row_source& source, std::string_view name);
void require_columns(const row_source& source, int count);
[[nodiscard]] std::int64_t read_integer(
    const row_source& source, int index, std::int64_t lowest, std::int64_t highest, std::string_view wanted);
[[nodiscard]] double read_real(const row_source& source, int index);
[[nodiscard]] std::string_view read_text(const row_source& source, int index);
[[nodiscard]] std::span<const std::byte> read_blob(const row_source& source, int index);

}  // namespace weft::inline WEFT_ABI::data::detail
