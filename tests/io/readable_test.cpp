// tests/io/readable_test.cpp: waiting for something to read without a buffer to read it into.
// SPDX-License-Identifier: MIT

#include <array>
#include <vector>

#include "support.hpp"
#include "support/descriptors.hpp"
#include "weft/base/error.hpp"
#include "weft/net/unix.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::unix_stream;

using readable_streams = io_test;

template <class Stream>
task<> wait_then_read(Stream& reader, Stream& writer) {
    std::array<char, 8> room{};
    for (int round = 0; round < 5; ++round) {
        task<> ready = reader.readable();
        EXPECT_FALSE(ready.is_completed());
        co_await writer.write(std::string_view("ping"));
        co_await std::move(ready);
        co_await reader.readable();  // still so: nothing was taken
        const std::size_t count = co_await reader.read(std::span<char>(room));
        EXPECT_EQ(count, 4U);
    }
    // The end of the stream is something to read, too.
    task<> ready = reader.readable();
    co_await writer.close();
    co_await std::move(ready);
    const std::size_t end = co_await reader.read(std::span<char>(room));
    EXPECT_EQ(end, 0U);
    co_await reader.readable();
}

task<> over_tcp() {
    connection both = co_await connect_pair();
    co_await wait_then_read(both.client, both.server);
}
TEST_F(readable_streams, of_tcp_end_when_there_is_something_to_read_and_take_nothing) { block_on(over_tcp()); }

task<> over_unix() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    co_await wait_then_read(both.first, both.second);
}
TEST_F(readable_streams, of_unix_end_when_there_is_something_to_read_and_take_nothing) { block_on(over_unix()); }

task<> cancel_and_close() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    cancellation_source source;
    task<> canceled = both.first.readable(source.token());
    source.cancel();
    const std::string why = co_await failure_of(std::move(canceled));
    EXPECT_NE(why.find("cancel"), std::string::npos) << why;
    task<> closed = both.first.readable();
    co_await both.first.close();
    const std::string closing = co_await failure_of(std::move(closed));
    EXPECT_NE(closing.find("it was closed meanwhile"), std::string::npos) << closing;
    const std::string after = co_await failure_of(task<>(both.first.readable()));
    EXPECT_NE(after.find("unix_stream"), std::string::npos) << after;
}
TEST_F(readable_streams, end_as_cancelled_by_a_token_and_by_close) { block_on(cancel_and_close()); }

task<> serve(unix_stream& stream, int& served) {
    co_await stream.readable();
    std::array<char, 1> room{};
    served += static_cast<int>(co_await stream.read(std::span<char>(room)));
}

task<> many(std::size_t count) {
    std::vector<std::pair<unix_stream, unix_stream>> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(unix_stream::pair());
    int served = 0;
    std::vector<task<>> waiting;
    for (auto& each : all) waiting.push_back(serve(each.first, served));
    for (auto& each : all) co_await each.second.write(std::string_view("x"));
    for (task<>& each : waiting) co_await std::move(each);
    EXPECT_EQ(served, static_cast<int>(count));
}
TEST_F(readable_streams, of_thousands_of_idle_connections_all_wake) {
    const std::size_t count = static_cast<std::size_t>(scaled(2000));
    if (!weft_test::may_open(2 * count)) GTEST_SKIP() << "4,000 descriptors are more than 'ulimit -n' allows";
    runtime_options options;
    options.min_threads = options.max_threads = 1;
    runtime where(options);
    block_on(where, &many, count);
}

}  // namespace
