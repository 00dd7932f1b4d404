#pragma once
// tests/coordination/broadcast_fixture.hpp: what the tests of broadcast channels share: one thread, which runs what was posted when the
// test says so, and an item that counts its copies.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/broadcast_channel.hpp"

namespace weft_test {

struct failure : std::runtime_error {
    failure() : std::runtime_error("of the producer") {}
};
inline std::exception_ptr a_failure() { return std::make_exception_ptr(failure()); }

/// Counts copies; too big and not plain enough to be copied under the lock.
struct parcel {
    explicit parcel(int of) : number(of), text(100, 'x') {}
    parcel(const parcel& other) : number(other.number), text(other.text) {
        if (refuses_copies) throw failure();
        ++copies;
    }
    parcel(parcel&&) noexcept = default;
    parcel& operator=(const parcel&) = default;
    parcel& operator=(parcel&&) noexcept = default;
    ~parcel() = default;
    int number;
    std::string text;
    static inline int copies = 0;
    static inline bool refuses_copies = false;
};

class broadcast_fixture : public ::testing::Test {
protected:
    template <class T>
    bool done(const weft::task<T>& one) {
        home.run_all();
        return one.is_completed();
    }
    template <class T>
    static std::vector<T> rest(weft::broadcast_reader<T>& of) {
        std::vector<T> all;
        while (auto item = of.try_read()) all.push_back(std::move(*item));
        return all;
    }
    static void write(const weft::broadcast_channel<int>& to, int from, int end) {
        for (int item = from; item < end; ++item) EXPECT_TRUE(to.writer().try_write(item));
    }
    manual_dispatcher home;
};

inline weft::task<std::vector<int>> gather(
    weft::broadcast_reader<int>& reader, weft::cancellation_token first, weft::cancellation_token second) {
    std::vector<int> items;
    weft::async_stream<int> stream = reader.read_all(first).with_cancellation(second);
    while (auto item = co_await stream.next()) items.push_back(*item);
    co_return items;
}

}  // namespace weft_test
