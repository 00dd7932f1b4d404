#pragma once
// tests/data/support.hpp: databases in folders of their own, and the types that the tests read.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/eventually.hpp"
#include "weft/data/database.hpp"
#include "weft/scheduling/block_on.hpp"
#include "weft/task/outcome.hpp"

namespace weft_test {

struct user {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::string> email;
    double score = 0;
};

/// A folder that goes with its contents.
class temporary_folder {
public:
    temporary_folder() {
        std::string pattern = testing::TempDir() + "weft_data_XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed for '" + pattern + "'");
        path_ = pattern;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
    [[nodiscard]] std::string url(std::string_view name) const { return "sqlite://" + file(name); }

private:
    std::string path_;
};

/// A test with a database file; run(f) calls the coroutine function and waits for it.
class data_test : public testing::Test {
protected:
    ~data_test() override {
        // A database whose last handle goes on a thread of the pool ends a moment later.
        EXPECT_TRUE(eventually([] { return weft::data::dedicated_thread_count() == 0; }));
    }
    template <class F, class... Args>
    void run(F function, Args... args) {
        weft::block_on(function(std::move(args)...));
    }

    temporary_folder folder;
    std::string url = folder.url("test.db");
};

/// The database_error that `operation` fails with; a test failure, and an empty one, when it ends otherwise.
template <class T>
weft::task<weft::data::database_error> error_of(weft::task<T> operation) {
    const weft::outcome<T> end = co_await operation.as_outcome();
    if (end.has_value()) {
        ADD_FAILURE() << "the operation succeeded";
        co_return weft::data::database_error("");
    }
    try {
        std::rethrow_exception(end.error());
    } catch (const weft::data::database_error& error) {
        co_return error;
    } catch (const std::exception& other) {
        ADD_FAILURE() << "not a database_error: " << other.what();
    }
    co_return weft::data::database_error("");
}

/// A statement that gives one row, `1`, and then never ends.
inline constexpr std::string_view endless =
    "with recursive n(x) as (select 1 union all select x + 1 from n) select 1 union all select count(*) from n";

/// A value that tells when a row of it has been read: by then its statement is running.
struct beacon {
    static inline std::atomic<int> seen{0};
};

}  // namespace weft_test

template <>
struct weft::data::row_traits<weft_test::user> {
    static constexpr auto columns = weft::data::columns(weft::data::column("id", &weft_test::user::id),
        weft::data::column("name", &weft_test::user::name), weft::data::column("email", &weft_test::user::email),
        weft::data::column("score", &weft_test::user::score));
};

template <>
struct weft::data::row_traits<weft_test::beacon> {
    static weft_test::beacon read(const weft::data::row&) {
        ++weft_test::beacon::seen;
        return {};
    }
};
