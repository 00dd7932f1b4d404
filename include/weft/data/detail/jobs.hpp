#pragma once
// <weft/data/detail/jobs.hpp>: the jobs behind query() and execute(), and the coroutines that wait for them.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/data/detail/engine.hpp"
#include "weft/data/row.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::data::detail {

inline constexpr std::size_t all_rows = static_cast<std::size_t>(-1);

/// Reads up to `limit` rows.
template <class T>
class query_job final : public job, row_sink {
public:
    query_job(command what, std::size_t limit) : what_(std::move(what)), limit_(limit) {}

    void run(session& on) override { static_cast<void>(on.run(what_, this)); }
    void begin(const row_source& source) override { decoder_.bind(source); }
    bool add(const row_source& source) override {
        rows.push_back(decoder_.read(source));
        return rows.size() < limit_;
    }
    [[nodiscard]] const command& what() const noexcept { return what_; }

    std::vector<T> rows;

private:
    ~query_job() override = default;

    command what_;
    std::size_t limit_;
    row_decoder<T> decoder_;
};

template <class T>
task<std::vector<T>> query_rows(target where, cancellation_token token, command what) {
    const job_ref<query_job<T>> work(new query_job<T>(std::move(what), all_rows));
    co_await job_operation(where, *work, token);
    co_return std::move(work->rows);
}

[[noreturn]] void throw_no_row(const command& what);
[[noreturn]] void throw_second_row(const command& what);

/// How many rows a query for one value may have.
enum class expectation : std::uint8_t { exactly_one, one_or_none, first_or_none };

template <class T>
task<std::optional<T>> query_row(target where, cancellation_token token, command what, expectation expected) {
    const job_ref<query_job<T>> work(new query_job<T>(std::move(what), expected == expectation::first_or_none ? 1 : 2));
    co_await job_operation(where, *work, token);
    if (work->rows.empty()) {
        if (expected == expectation::exactly_one) throw_no_row(work->what());
        co_return std::nullopt;
    }
    if (work->rows.size() > 1) throw_second_row(work->what());
    co_return std::optional<T>(std::move(work->rows.front()));
}

template <class T>
task<T> query_one_row(target where, cancellation_token token, command what) {
    std::optional<T> found =
        co_await query_row<T>(std::move(where), std::move(token), std::move(what), expectation::exactly_one);
    co_return std::move(*found);
}

template <class T>
task<T> query_first_or_default(target where, cancellation_token token, command what) {
    std::optional<T> found =
        co_await query_row<T>(std::move(where), std::move(token), std::move(what), expectation::first_or_none);
    if (!found) found.emplace();
    co_return std::move(*found);
}

/// The first column of the first row; no row at all is NULL.
template <class T>
task<T> query_first_value(target where, cancellation_token token, command what) {
    const job_ref<query_job<T>> work(new query_job<T>(std::move(what), 1));
    co_await job_operation(where, *work, token);
    if (work->rows.empty()) {
        if constexpr (is_optional<T>) co_return std::nullopt;
        else throw_no_row(work->what());
    }
    co_return std::move(work->rows.front());
}

task<std::int64_t> execute_command(target where, cancellation_token token, command what);

/// Calls `function`; an exception becomes the task's, as if `function` were a coroutine.
template <class Result, class Function>
task<Result> started(Function function) {
    try {
        return function();
    } catch (...) {
        return from_exception<Result>(std::current_exception());
    }
}

}  // namespace weft::inline WEFT_ABI::data::detail
