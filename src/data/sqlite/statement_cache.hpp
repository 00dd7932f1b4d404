#pragma once
// data/sqlite/statement_cache.hpp: prepared statements, the least recently used go first.
// SPDX-License-Identifier: MIT

#include <sqlite3.h>

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::data::detail {

struct statement_finalizer {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using statement_handle = std::unique_ptr<sqlite3_stmt, statement_finalizer>;

/// A single statement, ready to run.
struct prepared_statement {
    std::string sql;  ///< as the user wrote it
    statement_handle handle;
    int placeholders;  ///< as translated_sql has it
};

/// Preparing costs more than most queries do (bench-src: 0.20 M point reads a second against 0.49 M).
class statement_cache {
public:
    explicit statement_cache(std::size_t capacity) noexcept : capacity_(capacity) {}

    /// The statement, now the most recently used one, or null.
    [[nodiscard]] prepared_statement* find(std::string_view sql) {
        const auto found = by_text_.find(sql);
        if (found == by_text_.end()) return nullptr;
        if (found->second != newest_first_.begin())
            newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
        return &*found->second;
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// Precondition: the capacity is not zero, and the statement's text is not in it.
    void insert(prepared_statement statement) {
        if (newest_first_.size() == capacity_) {
            by_text_.erase(newest_first_.back().sql);
            newest_first_.pop_back();
        }
        newest_first_.push_front(std::move(statement));
        by_text_.emplace(newest_first_.front().sql, newest_first_.begin());
    }
    void clear() noexcept {
        by_text_.clear();
        newest_first_.clear();
    }

private:
    using order = std::list<prepared_statement>;

    std::size_t capacity_;
    order newest_first_;
    std::unordered_map<std::string_view, order::iterator> by_text_;  // the keys are views of the statements' own texts
};

}  // namespace weft::inline WEFT_ABI::data::detail
