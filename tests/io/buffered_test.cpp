// tests/io/buffered_test.cpp: readers, writers and frames, over streams that give what the test says, and over sockets and files.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <stdexcept>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/file.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/io/buffered_writer.hpp"
#include "weft/io/framing.hpp"

namespace {

using namespace weft;
using namespace weft_test;

static_assert(io::async_byte_stream<net::tcp_stream>);
static_assert(io::async_byte_stream<fs::file>);
static_assert(!io::async_readable<std::string>);

/// A stream whose reads give one piece each, and whose writes are kept.
struct script {
    std::deque<std::string> pieces;
    std::string written;
    int writes = 0;
    int failing_write = -1;

    task<std::size_t> read(std::span<std::byte> room, cancellation_token token = {}) {
        token.throw_if_cancellation_requested();
        if (pieces.empty()) co_return 0;
        std::string& first = pieces.front();
        const std::size_t count = std::min(room.size(), first.size());
        std::memcpy(room.data(), first.data(), count);
        first.erase(0, count);
        if (first.empty()) pieces.pop_front();
        co_return count;
    }
    task<> write(std::span<const std::byte> data, cancellation_token token = {}) {
        token.throw_if_cancellation_requested();
        if (writes++ == failing_write) throw std::runtime_error("the disk is full");
        written.append(reinterpret_cast<const char*>(data.data()), data.size());
        co_return;
    }
    [[nodiscard]] static std::string peer_name() { return "the script"; }
};

script saying(std::initializer_list<const char*> pieces) {
    script result;
    for (const char* piece : pieces) result.pieces.emplace_back(piece);
    return result;
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

template <class T>
task<int> error_of(task<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const io_error& error) {
        co_return error.code().value();
    }
    co_return 0;
}

// ---- lines and parts

task<> read_lines() {
    script source = saying({"one\ntw", "o\r", "\n\nfo", "ur"});
    io::buffered_reader in(source);
    std::vector<std::string> found;
    for (;;) {
        const std::optional<std::string> line = co_await in.read_line();
        if (!line) break;
        found.push_back(*line);
    }
    EXPECT_EQ(found, (std::vector<std::string>{"one", "two", "", "four"}));
    const std::optional<std::string> again = co_await in.read_line();
    EXPECT_FALSE(again);
}
TEST(buffered_reader, lines_are_put_together_and_the_end_of_the_stream_ends_the_last) { block_on(read_lines()); }

task<> line_limit() {
    script source = saying({"12345\n", "123456\n"});
    io::buffered_reader in(source);
    const std::optional<std::string> fits = co_await in.read_line(5);
    EXPECT_EQ(fits, "12345");
    std::string text;
    try {
        static_cast<void>(co_await in.read_line(5));
    } catch (const io_error& error) {
        text = error.what();
        EXPECT_EQ(error.code().value(), EMSGSIZE);
    }
    EXPECT_NE(text.find("read a line of at most 5 bytes from 'the script'"), std::string::npos) << text;
    const std::optional<std::string> kept = co_await in.read_line(6);
    EXPECT_EQ(kept, "123456");
}
TEST(buffered_reader, a_line_over_the_limit_is_an_error_and_stays) { block_on(line_limit()); }

task<> endless_line() {
    script source;
    for (int i = 0; i < 1000; ++i) source.pieces.emplace_back(1000, 'x');
    io::buffered_reader in(source, 100);
    const int error = co_await error_of(in.read_line(5000).as_task());
    EXPECT_EQ(error, EMSGSIZE);
    EXPECT_LT(in.buffered().size(), 7000U);
    EXPECT_GT(source.pieces.size(), 900U);
}
TEST(buffered_reader, an_endless_line_is_not_read_to_its_end) { block_on(endless_line()); }

task<> delimiters() {
    script source = saying({"a=", "=b=", "=", "=c", "==rest"});
    io::buffered_reader in(source);
    for (const char* expected : {"a", "b", "=c"}) {
        const std::optional<std::string> part = co_await in.read_until("==", 10);
        EXPECT_EQ(part, expected);
    }
    const int error = co_await error_of(in.read_until("==", 10).as_task());
    EXPECT_EQ(error, EPIPE);
    EXPECT_EQ(text_of(in.buffered()), "rest");
    in.consume(4);
    const std::optional<std::string> end = co_await in.read_until("==", 10);
    EXPECT_FALSE(end);
    EXPECT_THROW(static_cast<void>(in.read_until("", 10)), std::invalid_argument);
}
TEST(buffered_reader, a_delimiter_may_come_in_pieces) { block_on(delimiters()); }

// ---- counts

task<> counts() {
    script source = saying({"abc", "defgh", "i"});
    io::buffered_reader in(source, 4);
    std::span<const std::byte> ahead = co_await in.peek(5);
    EXPECT_EQ(text_of(ahead).substr(0, 5), "abcde");
    std::array<std::byte, 7> seven{};
    co_await in.read_exactly(seven);
    EXPECT_EQ(text_of(seven), "abcdefg");
    std::array<std::byte, 10> ten{};
    const std::size_t some = co_await in.read_some(ten);
    EXPECT_EQ(text_of(std::span(ten).first(some)), "h");
    ahead = co_await in.peek(100);
    EXPECT_EQ(text_of(ahead), "i");
    const int error = co_await error_of(in.read_exactly(ten).as_task());
    EXPECT_EQ(error, EPIPE);
    const std::size_t end = co_await in.read_some(ten);
    EXPECT_EQ(end, 0U);
}
TEST(buffered_reader, reads_counts_across_pieces) { block_on(counts()); }

task<> to_end() {
    script source = saying({"abc", "def"});
    io::buffered_reader in(source);
    const int error = co_await error_of(in.read_to_end(5));
    EXPECT_EQ(error, EMSGSIZE);
    const std::string all = co_await in.read_to_end(6);
    EXPECT_EQ(all, "abcdef");
}
TEST(buffered_reader, reads_to_the_end_within_a_limit) { block_on(to_end()); }

using buffered_sockets = io_test;

task<> cancelled_line() {
    connection both = co_await connect_pair();
    io::buffered_reader in(both.client);
    cancellation_source stop;
    co_await both.server.write(std::string_view("half "));
    co_await in.peek(5);
    task<std::optional<std::string>> pending = in.read_line(100, stop.token()).as_task();
    EXPECT_FALSE(pending.is_completed());
    stop.cancel();
    const std::string how = co_await failure_of(std::move(pending));
    EXPECT_NE(how, "");
    co_await both.server.write(std::string_view("a line\n"));
    const std::optional<std::string> line = co_await in.read_line();
    EXPECT_EQ(line, "half a line");
}
TEST_F(buffered_sockets, a_cancelled_line_loses_nothing) { block_on(cancelled_line()); }

task<> over_a_file() {
    const std::string path = "/tmp/weft-buffered-" + std::to_string(::getpid());
    fs::file made = co_await fs::file::open(path, fs::open_mode::write | fs::open_mode::create | fs::open_mode::truncate);
    io::buffered_writer out(made, 64);
    for (int i = 0; i < 100; ++i) {
        const std::string text = "line " + std::to_string(i);
        co_await io::write_delimited(out, text, "\n");
    }
    co_await out.flush();
    co_await made.close();
    fs::file source = co_await fs::file::open(path);
    io::buffered_reader in(source, 64);
    int count = 0;
    for (;;) {
        const std::optional<std::string> line = co_await in.read_line();
        if (!line) break;
        EXPECT_EQ(*line, "line " + std::to_string(count++));
    }
    EXPECT_EQ(count, 100);
    co_await source.close();
    ::unlink(path.c_str());
}
TEST_F(buffered_sockets, works_over_a_file) { block_on(over_a_file()); }

// ---- the writer

task<> collects() {
    script target;
    io::buffered_writer out(target, 10);
    co_await out.write("12345");
    co_await out.write("67890");
    EXPECT_EQ(target.writes, 0);
    EXPECT_EQ(out.pending(), 10U);
    co_await out.write("ab");
    EXPECT_EQ(target.written, "1234567890");
    co_await out.write("a long text that passes by");
    EXPECT_EQ(target.writes, 3);
    EXPECT_EQ(target.written, "1234567890aba long text that passes by");
    co_await out.flush();
    EXPECT_EQ(target.writes, 3);
}
TEST(buffered_writer, collects_until_it_is_full_or_flushed) { block_on(collects()); }

task<> writes_after_failure() {
    script target;
    target.failing_write = 0;
    io::buffered_writer out(target, 10);
    co_await out.write("12345");
    const std::string first = co_await failure_of(out.flush().as_task());
    EXPECT_EQ(first, "the disk is full");
    const std::string second = co_await failure_of(out.write("x").as_task());
    EXPECT_NE(second.find("an earlier write to 'the script' failed"), std::string::npos) << second;
    EXPECT_EQ(target.written, "");
}
TEST(buffered_writer, after_a_failed_write_nothing_more_is_sent) { block_on(writes_after_failure()); }

// ---- frames

task<> round_trip(io::frame_format format, std::string_view head) {
    script wire;
    io::buffered_writer out(wire);
    const std::string middle(200, 'm');
    co_await io::write_frame(out, bytes_of("abc"), format);
    co_await io::write_frame(out, bytes_of(""), format);
    co_await io::write_frame(out, bytes_of(middle), format);
    co_await out.flush();
    EXPECT_TRUE(wire.written.starts_with(head));
    for (const char byte : wire.written) wire.pieces.emplace_back(1, byte);
    io::buffered_reader in(wire, 16);
    async_stream<std::vector<std::byte>> all = io::frames(in, format);
    std::vector<std::string> found;
    for (;;) {
        const std::optional<std::vector<std::byte>> frame = co_await all.next();
        if (!frame) break;
        found.push_back(text_of(*frame));
    }
    EXPECT_EQ(found, (std::vector<std::string>{"abc", "", middle}));
}
TEST(framing, every_format_comes_back_byte_by_byte) {
    using namespace std::string_view_literals;
    using io::frame_length;
    block_on(round_trip({.length = frame_length::u8},
        "\x03"
        "abc"sv));
    block_on(round_trip({.length = frame_length::u16},
        "\0\x03"
        "abc"sv));
    block_on(round_trip({.length = frame_length::u16, .order = std::endian::little}, "\x03\0abc"sv));
    block_on(round_trip({.length = frame_length::u32},
        "\0\0\0\x03"
        "abc"sv));
    block_on(round_trip({.length = frame_length::u32, .order = std::endian::little}, "\x03\0\0\0abc"sv));
    block_on(round_trip({.length = frame_length::varint},
        "\x03"
        "abc"sv));
}

task<> frame_limits() {
    const io::frame_format format{.length = io::frame_length::u16, .limit = 4};
    script wire;
    io::buffered_writer out(wire);
    const std::string refused = co_await failure_of(io::write_frame(out, bytes_of("12345"), format));
    EXPECT_NE(refused.find("over the limit of 4"), std::string::npos) << refused;
    const std::string big(256, 'b');
    const std::string wide =
        co_await failure_of(io::write_frame(out, bytes_of(big), io::frame_format{.length = io::frame_length::u8}));
    EXPECT_NE(wide.find("over the limit of 255"), std::string::npos) << wide;
    EXPECT_EQ(out.pending(), 0U);

    wire.pieces.emplace_back("\xff\xff");
    io::buffered_reader in(wire);
    int error = co_await error_of(io::read_frame(in, format));
    EXPECT_EQ(error, EMSGSIZE);

    script cut =
        saying({"\x05"
                "abc"});
    io::buffered_reader in_cut(cut);
    error = co_await error_of(io::read_frame(in_cut, io::frame_format{.length = io::frame_length::u8}));
    EXPECT_EQ(error, EPIPE);

    script endless = saying({"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"});
    io::buffered_reader in_endless(endless);
    error = co_await error_of(io::read_frame(in_endless, io::frame_format{.length = io::frame_length::varint}));
    EXPECT_EQ(error, EBADMSG);
}
TEST(framing, limits_and_broken_frames_are_errors) { block_on(frame_limits()); }

task<> no_limit() {
    // With the bytes of the length itself it is more than a size can say.
    script longest = saying({"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "abc"});
    io::buffered_reader in(longest);
    const io::frame_format format{.length = io::frame_length::varint, .limit = ~std::size_t{0}};
    const int error = co_await error_of(io::read_frame(in, format));
    EXPECT_EQ(error, EMSGSIZE);
}
TEST(framing, a_length_beyond_every_size_is_an_error_without_a_limit_too) { block_on(no_limit()); }

TEST(framing, the_longest_varint_is_read) {
    using outcome = weft::detail::parsed_head::outcome;
    const io::frame_format format{.length = io::frame_length::varint};
    const weft::detail::parsed_head head =
        weft::detail::parse_frame_head(bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), format);
    EXPECT_EQ(head.how, outcome::whole);
    EXPECT_EQ(head.length, ~std::uint64_t{0});
    EXPECT_EQ(head.size, 10U);
}

task<> streams_of_text() {
    script source = saying({"a;b;", "c;"});
    io::buffered_reader in(source);
    async_stream<std::string> all = io::parts(in, ";", 10);
    std::string joined;
    for (;;) {
        const std::optional<std::string> part = co_await all.next();
        if (!part) break;
        joined += *part + '|';
    }
    EXPECT_EQ(joined, "a|b|c|");

    script text = saying({"x\ny\n"});
    io::buffered_reader in_text(text);
    async_stream<std::string> each = io::lines(in_text);
    const std::optional<std::string> x = co_await each.next();
    const std::optional<std::string> y = co_await each.next();
    const std::optional<std::string> end = co_await each.next();
    EXPECT_EQ(x, "x");
    EXPECT_EQ(y, "y");
    EXPECT_FALSE(end);
}
TEST(framing, parts_and_lines_come_as_streams) { block_on(streams_of_text()); }

}  // namespace
