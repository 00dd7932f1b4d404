// tests/io/descriptor_test.cpp: adopted descriptors, pipes and the standard streams, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/io/buffered_writer.hpp"
#include "weft/io/descriptor.hpp"
#include "weft/io/pipe.hpp"
#include "weft/io/standard_streams.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace weft;
using namespace weft_test;

static_assert(io::async_byte_stream<io::descriptor>);
static_assert(io::async_readable<io::pipe_reader>);
static_assert(io::async_writable<io::pipe_writer>);

using descriptors = io_test;

task<> converse(io::pipe_reader& reader, io::pipe_writer& writer) {
    io::buffered_reader in(reader);
    for (int round = 0; round < 20; ++round) {
        const std::string text = std::to_string(round) + "\n";
        task<std::optional<std::string>> line = in.read_line().as_task();
        co_await writer.write(text);
        const std::optional<std::string> got = co_await std::move(line);
        EXPECT_EQ(got.value_or("") + "\n", text);
    }
    co_await writer.close();
    std::array<std::byte, 4> room{};
    const std::size_t end = co_await in.read_some(room);
    EXPECT_EQ(end, 0U);
}

task<> through_a_pipe() {
    io::pipe_ends ends = io::pipe();
    EXPECT_EQ(::fcntl(ends.reader.native_handle(), F_GETFD), FD_CLOEXEC);
    co_await converse(ends.reader, ends.writer);
}
TEST_F(descriptors, of_a_pipe_are_its_two_streams) { block_on(through_a_pipe()); }

task<> send(io::pipe_writer& writer, const std::string& data) {
    co_await writer.write(data);
    co_await writer.close();
}

task<> much() {
    io::pipe_ends ends = io::pipe();
    std::string data(1'000'000, 'a');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>('a' + i % 23);
    task<> sending = send(ends.writer, data);
    EXPECT_FALSE(sending.is_completed());
    std::string all;
    std::vector<char> room(10'007);
    for (std::size_t count = 1; count != 0;) {
        count = co_await ends.reader.read(std::span<char>(room));
        all.append(room.data(), count);
    }
    co_await std::move(sending);
    EXPECT_TRUE(all == data);
}
TEST_F(descriptors, of_a_pipe_carry_more_than_it_holds) { block_on(much()); }

task<> without_a_reader() {
    io::pipe_ends ends = io::pipe({.name = "the line"});
    co_await ends.reader.close();
    for (int i = 0; i < 3; ++i) {
        const std::string why = co_await failure_of(ends.writer.write(std::string_view("x")));
        EXPECT_EQ(why, "write to 'the line' failed: broken pipe (EPIPE)");
    }
    // Nor does one stay behind, to come when somebody unblocks it.
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
    io::pipe_ends full = io::pipe();
    const std::string data(1'000'000, 'x');
    task<> writing = full.writer.write(data);
    EXPECT_FALSE(writing.is_completed());
    co_await full.reader.close();
    const std::string late = co_await failure_of(std::move(writing));
    EXPECT_EQ(late, "write to 'pipe' failed: broken pipe (EPIPE)");
}
TEST_F(descriptors, of_a_pipe_fail_without_a_signal_when_nobody_reads) {
    // Ignored, as some who start us have it, it would prove nothing.
    struct sigaction usual{};
    usual.sa_handler = SIG_DFL;
    struct sigaction before{};
    ASSERT_EQ(::sigaction(SIGPIPE, &usual, &before), 0);
    block_on(without_a_reader());
    // On a thread that has SIGPIPE unblocked, as the main thread has.
    io::pipe_ends ends = io::pipe();
    ends.reader.close().get();
    EXPECT_THROW(ends.writer.write(std::string_view("x")).get(), io_error);
    ASSERT_EQ(::sigaction(SIGPIPE, &before, nullptr), 0);
}

task<> cancel_and_close() {
    io::pipe_ends ends = io::pipe();
    cancellation_source source;
    std::array<char, 4> room{};
    task<std::size_t> read = ends.reader.read(std::span<char>(room), source.token());
    task<> ready = ends.reader.readable(source.token());
    source.cancel();
    EXPECT_NE(co_await failure_of(std::move(read)), "");
    EXPECT_NE(co_await failure_of(std::move(ready)), "");
    // The pipe is as it was.
    co_await ends.writer.write(std::string_view("more"));
    const std::size_t count = co_await ends.reader.read(std::span<char>(room));
    EXPECT_EQ(count, 4U);

    const std::string data(1'000'000, 'x');
    task<> writing = ends.writer.write(data);
    task<> writable = ends.writer.writable();
    co_await ends.writer.close();
    const std::string closed = co_await failure_of(std::move(writing));
    EXPECT_NE(closed.find("closed"), std::string::npos) << closed;
    static_cast<void>(co_await failure_of(std::move(writable)));
    const std::string after = co_await failure_of(ends.writer.write(std::string_view("x")));
    EXPECT_NE(after.find("pipe_writer"), std::string::npos) << after;
    task<std::size_t> left;
    io::pipe_ends others = io::pipe();
    {
        io::pipe_reader gone = std::move(others.reader);
        left = gone.read(std::span<char>(room));
    }
    EXPECT_NE(co_await failure_of(std::move(left)), "");
}
TEST_F(descriptors, end_their_operations_when_cancelled_closed_or_destroyed) { block_on(cancel_and_close()); }

task<> count_events() {
    io::descriptor counter = io::descriptor::adopt(::eventfd(0, EFD_CLOEXEC), {.name = "counter"});
    EXPECT_NE(::fcntl(counter.native_handle(), F_GETFL) & O_NONBLOCK, 0);
    co_await counter.writable();
    task<> ready = counter.readable();
    EXPECT_FALSE(ready.is_completed());
    std::uint64_t number = 3;
    co_await counter.write(std::as_bytes(std::span(&number, 1)));
    co_await std::move(ready);
    number = 0;
    const std::size_t count = co_await counter.read(std::as_writable_bytes(std::span(&number, 1)));
    EXPECT_EQ(count, 8U);
    EXPECT_EQ(number, 3U);
    EXPECT_THROW(static_cast<void>(io::descriptor::adopt(-1)), io_error);
}
TEST_F(descriptors, of_an_eventfd_are_adopted) { block_on(count_events()); }

/// A pair of a terminal's ends, as a serial line is one.
std::pair<int, int> open_terminal() {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ::grantpt(master);
    ::unlockpt(master);
    char name[64] = {};
    ::ptsname_r(master, name, sizeof name);
    const int line = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios raw{};
    ::tcgetattr(line, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(line, TCSANOW, &raw);
    return {master, line};
}

task<> over_a_line() {
    const auto [master, line] = open_terminal();
    io::descriptor far = io::descriptor::adopt(master, {.name = "far"});
    io::descriptor near = io::descriptor::adopt(line, {.name = "near"});
    std::array<char, 16> room{};
    for (int i = 0; i < 5; ++i) {
        task<std::size_t> reading = near.read(std::span<char>(room));
        EXPECT_FALSE(reading.is_completed());
        co_await far.write(std::string_view("hello"));
        const std::size_t count = co_await std::move(reading);
        EXPECT_EQ(std::string(room.data(), count), "hello");
    }
    co_await near.close();
}
TEST_F(descriptors, of_a_serial_line_are_adopted) { block_on(over_a_line()); }

task<> kept_flags() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    io::descriptor in = io::descriptor::adopt(ends[0], {.keep_flags = true});
    io::descriptor out = io::descriptor::adopt(ends[1], {.keep_flags = true});
    EXPECT_EQ(::fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    const std::string data(300'000, 'x');
    task<> writing = out.write(data);
    EXPECT_FALSE(writing.is_completed());
    std::vector<char> room(7'000);
    for (std::size_t count = 0; count < data.size();) count += co_await in.read(std::span<char>(room));
    co_await std::move(writing);
    task<std::size_t> reading = in.read(std::span<char>(room));
    EXPECT_FALSE(reading.is_completed());
    co_await in.close();
    EXPECT_NE(co_await failure_of(std::move(reading)), "");
}
TEST_F(descriptors, whose_flags_are_kept_wait_all_the_same) { block_on(kept_flags()); }

// Careful writes go in many pieces: close() finds the writer between two of them sooner or later.
task<> closed_between_pieces() {
    const std::string data(300'000, 'x');
    for (int round = 0; round < 100; ++round) {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        io::descriptor in = io::descriptor::adopt(ends[0], {.keep_flags = true});
        io::descriptor out = io::descriptor::adopt(ends[1], {.keep_flags = true});
        task<> writing = out.write(data);
        std::vector<char> room(7'000);
        for (int i = 0; i <= round % 5; ++i) static_cast<void>(co_await in.read(std::span<char>(room)));
        co_await out.close();
        const std::string how = co_await failure_of(std::move(writing));
        EXPECT_NE(how.find("was canceled: it was closed meanwhile"), std::string::npos) << how;
    }
}
TEST_F(descriptors, closed_between_two_pieces_of_a_write_end_it_as_cancelled) { block_on(closed_between_pieces()); }

// ---- without a driver

task<> without_a_driver() {
    const int before = open_descriptors();
    EXPECT_THROW(static_cast<void>(io::pipe()), invalid_operation);
    EXPECT_THROW(static_cast<void>(io::standard_input()), invalid_operation);
    EXPECT_EQ(open_descriptors(), before);
    co_return;
}
TEST_F(descriptors, are_not_made_where_nothing_can_work_on_them) {
    weft::testing::deterministic_scheduler world(1);
    world.run(without_a_driver());
}

// ---- standard streams

/// Puts `fd` in the place of a standard stream, and back.
class in_place_of {
public:
    in_place_of(int number, int fd) : number_(number), saved_(::fcntl(number, F_DUPFD_CLOEXEC, 10)) { ::dup2(fd, number); }
    ~in_place_of() {
        ::dup2(saved_, number_);
        ::close(saved_);
    }

private:
    int number_;
    int saved_;
};

task<std::string> read_all(io::descriptor& from) {
    std::string all;
    std::vector<char> room(5);
    for (;;) {
        const std::size_t count = co_await from.read(std::span<char>(room));
        if (count == 0) co_return all;
        all.append(room.data(), count);
    }
}

task<> standard_pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const in_place_of replaced(STDIN_FILENO, ends[0]);
    io::descriptor in = io::standard_input();
    task<std::string> reading = read_all(in);
    EXPECT_FALSE(reading.is_completed());
    EXPECT_EQ(::write(ends[1], "some text", 9), 9);
    ::close(ends[1]);
    const std::string text = co_await std::move(reading);
    EXPECT_EQ(text, "some text");
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
    co_await in.close();
    ::close(ends[0]);
}
TEST_F(descriptors, of_standard_input_as_a_pipe_keep_its_flags) { block_on(standard_pipe()); }

task<> standard_file() {
    const std::string path = "/tmp/weft-standard-" + std::to_string(::getpid());
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    {
        const in_place_of replaced(STDOUT_FILENO, file);
        io::descriptor out = io::standard_output();
        co_await out.write(std::string_view("to a "));
        co_await out.writable();
        co_await out.write(std::string_view("file"));
        co_await out.close();
    }
    ::lseek(file, 0, SEEK_SET);
    {
        const in_place_of replaced(STDIN_FILENO, file);
        io::descriptor in = io::standard_input();
        co_await in.readable();
        const std::string text = co_await read_all(in);
        EXPECT_EQ(text, "to a file");
    }
    ::close(file);
    ::unlink(path.c_str());
}
TEST_F(descriptors, of_standard_streams_as_files_share_their_position) { block_on(standard_file()); }

task<> standard_others() {
    {
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        const in_place_of replaced(STDIN_FILENO, null);
        const in_place_of other(STDERR_FILENO, null);
        io::descriptor in = io::standard_input();
        io::descriptor err = io::standard_error();
        const std::string nothing = co_await read_all(in);
        EXPECT_EQ(nothing, "");
        co_await err.write(std::string_view("nowhere"));
        ::close(null);
    }
    const auto [master, line] = open_terminal();
    for (int round = 0; round < 3; ++round) {
        const in_place_of replaced(STDIN_FILENO, line);
        io::descriptor in = io::standard_input();
        std::array<char, 16> room{};
        task<std::size_t> reading = in.read(std::span<char>(room));
        EXPECT_FALSE(reading.is_completed());
        EXPECT_EQ(::write(master, "key", 3), 3);
        const std::size_t count = co_await std::move(reading);
        EXPECT_EQ(count, 3U);
        EXPECT_EQ(::fcntl(line, F_GETFL) & O_NONBLOCK, 0);
    }
    ::close(line);
    ::close(master);
    int sockets[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    // Each round makes a copy of the same socket, mostly with the same number.
    for (int round = 0; round < 5; ++round) {
        const in_place_of replaced(STDIN_FILENO, sockets[0]);
        io::descriptor in = io::standard_input();
        std::array<char, 16> room{};
        task<std::size_t> reading = in.read(std::span<char>(room));
        EXPECT_EQ(::write(sockets[1], "net", 3), 3);
        const std::size_t count = co_await std::move(reading);
        EXPECT_EQ(count, 3U);
        co_await in.close();
    }
    ::close(sockets[0]);
    ::close(sockets[1]);
}
TEST_F(descriptors, of_standard_streams_may_be_anything) { block_on(standard_others()); }

}  // namespace
