// tests/io/unix_test.cpp: what sockets of the Unix domain promise, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/io/buffered_writer.hpp"
#include "weft/net/unix.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::unix_endpoint;
using net::unix_listener;
using net::unix_stream;

static_assert(io::async_byte_stream<unix_stream>);

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class unix_domain : public io_test {
protected:
    static std::string path(const char* name) { return "/tmp/weft-unix-" + std::to_string(::getpid()) + name; }
    static bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
};

task<std::pair<unix_stream, unix_stream>> connected(unix_endpoint where) {
    unix_listener listener = unix_listener::bind(where);
    task<unix_stream> accepted = listener.accept();
    unix_stream client = co_await unix_stream::connect(where);
    unix_stream server = co_await std::move(accepted);
    co_await listener.close();
    co_return std::pair<unix_stream, unix_stream>(std::move(client), std::move(server));
}

task<> converse(unix_stream& client, unix_stream& server) {
    io::buffered_reader in(server);
    io::buffered_writer out(server);
    for (int round = 0; round < 20; ++round) {
        const std::string text = "line " + std::to_string(round) + "\n";
        co_await client.write(text);
        const std::optional<std::string> line = co_await in.read_line();
        EXPECT_EQ(line.value_or("") + "\n", text);
        co_await out.write(*line);
        co_await out.flush();
        std::vector<std::byte> back(line->size());
        co_await client.read_exactly(back);
        EXPECT_EQ(text_of(back), *line);
    }
    // Half-close: the other direction goes on.
    client.shutdown_send();
    std::array<std::byte, 16> room{};
    const std::size_t end = co_await in.read_some(room);
    EXPECT_EQ(end, 0U);
    co_await server.write(std::string_view("bye"));
    const std::size_t bye = co_await client.read(std::span<std::byte>(room));
    EXPECT_EQ(text_of(std::span(room).first(bye)), "bye");
}

task<> over(unix_endpoint where) {
    std::pair<unix_stream, unix_stream> both = co_await connected(where);
    EXPECT_EQ(both.first.peer_name(), where.to_string());
    EXPECT_EQ(both.second.peer_name(), where.to_string());
    co_await converse(both.first, both.second);
    const net::peer_credentials known = both.second.credentials();
    EXPECT_EQ(known.process, ::getpid());
    EXPECT_EQ(known.user, ::getuid());
    EXPECT_EQ(known.group, ::getgid());
}
TEST_F(unix_domain, streams_over_a_path) { block_on(over(unix_endpoint(path("a")))); }
TEST_F(unix_domain, streams_over_an_abstract_name) { block_on(over(unix_endpoint::abstract(path("a")))); }

task<> over_pair() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    EXPECT_TRUE(both.first.is_quiet());
    co_await converse(both.first, both.second);
    co_await both.second.close();
    EXPECT_FALSE(both.first.is_quiet());
    EXPECT_FALSE(both.second.is_quiet());
    const std::string after = co_await failure_of(task<>(both.first.write(std::string_view("x"))));
    EXPECT_NE(after.find("write to 'unix socket pair' failed"), std::string::npos) << after;
}
TEST_F(unix_domain, streams_over_a_pair) { block_on(over_pair()); }

// ---- names and files

TEST_F(unix_domain, names_have_a_length) {
    EXPECT_THROW(static_cast<void>(unix_endpoint("")), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(unix_endpoint(std::string(108, 'x'))), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(unix_endpoint(std::string("a\0b", 3))), std::invalid_argument);
    EXPECT_NO_THROW(static_cast<void>(unix_endpoint(std::string(107, 'x'))));
    EXPECT_EQ(unix_endpoint::abstract("x").to_string(), "@x");
}

task<> file_is_removed(std::string path) {
    const auto exists = [&] { return ::access(path.c_str(), F_OK) == 0; };
    {
        unix_listener listener = unix_listener::bind(unix_endpoint(path), {.permissions = 0600});
        struct stat there{};
        EXPECT_EQ(::stat(path.c_str(), &there), 0);
        EXPECT_EQ(there.st_mode & 0777U, 0600U);
        co_await listener.close();
        EXPECT_FALSE(exists());
    }
    {
        const unix_listener listener = unix_listener::bind(unix_endpoint(path));
        EXPECT_TRUE(exists());
    }
    EXPECT_FALSE(exists());
    // Another's file stays.
    unix_listener first = unix_listener::bind(unix_endpoint(path));
    ::unlink(path.c_str());
    unix_listener second = unix_listener::bind(unix_endpoint(path));
    co_await first.close();
    EXPECT_TRUE(exists());
    co_await second.close();
    EXPECT_FALSE(exists());
}
TEST_F(unix_domain, a_listener_removes_the_file_that_it_made_and_no_other) { block_on(file_is_removed(path("b"))); }

task<> stale(std::string path) {
    unix_listener alive = unix_listener::bind(unix_endpoint(path));
    std::string said;
    try {
        static_cast<void>(unix_listener::bind(unix_endpoint(path), {.replace_stale = true}));
    } catch (const io_error& error) {
        said = error.what();
    }
    EXPECT_NE(said.find("listen on '" + path + "' failed: address already in use (EADDRINUSE)"), std::string::npos) << said;
    // A process that died leaves its file.
    const std::string kept = path + ".kept";
    EXPECT_EQ(::rename(path.c_str(), kept.c_str()), 0);
    co_await alive.close();
    ::unlink(path.c_str());
    EXPECT_EQ(::rename(kept.c_str(), path.c_str()), 0);
    const std::string refused = co_await failure_of(unix_stream::connect(unix_endpoint(path)));
    EXPECT_NE(refused.find("connect to '" + path + "' failed: connection refused (ECONNREFUSED)"), std::string::npos);
    EXPECT_THROW(static_cast<void>(unix_listener::bind(unix_endpoint(path))), io_error);
    unix_listener next = unix_listener::bind(unix_endpoint(path), {.replace_stale = true});
    unix_stream client = co_await unix_stream::connect(unix_endpoint(path));
    EXPECT_TRUE(client.is_open());
    co_await next.close();
    // What is no socket is never replaced.
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ::close(file);
    EXPECT_THROW(static_cast<void>(unix_listener::bind(unix_endpoint(path), {.replace_stale = true})), io_error);
    ::unlink(path.c_str());
}
TEST_F(unix_domain, a_stale_file_is_replaced_on_request_only) { block_on(stale(path("c"))); }

TEST_F(unix_domain, of_two_that_replace_a_stale_file_at_once_one_listens_at_most) {
    const unix_endpoint where(path("race"));
    for (int round = 0; round < scaled(200); ++round) {
        {
            // A socket that nobody listens at, and its file.
            const unix_listener dead = unix_listener::bind(where);
            ASSERT_EQ(::rename(where.name().c_str(), path("kept").c_str()), 0);
        }
        ASSERT_EQ(::rename(path("kept").c_str(), where.name().c_str()), 0);
        std::array<unix_listener, 2> made;
        std::array<std::thread, 2> both;
        for (std::size_t i = 0; i < 2; ++i) {
            both[i] = std::thread([&, i] {
                try {
                    made[i] = unix_listener::bind(where, {.replace_stale = true});
                } catch (const io_error& error) {
                    EXPECT_EQ(error.code().value(), EADDRINUSE);
                }
            });
        }
        for (std::thread& each : both) each.join();
        EXPECT_FALSE(made[0].is_open() && made[1].is_open());
        const bool any = made[0].is_open() || made[1].is_open();
        EXPECT_TRUE(!any || exists(where.name()));
        for (unix_listener& each : made) each.close().get();
        ::unlink(where.name().c_str());
    }
}

task<> missing(std::string path) {
    const std::string said = co_await failure_of(unix_stream::connect(unix_endpoint(path)));
    EXPECT_EQ(said, "connect to '" + path + "' failed: no such file or directory (ENOENT)");
}
TEST_F(unix_domain, a_missing_socket_is_an_error_that_names_it) { block_on(missing(path("none"))); }

// ---- endings

task<> close_pending_accepts(std::string path) {
    auto listener = std::make_unique<unix_listener>(unix_listener::bind(unix_endpoint(path)));
    cancellation_source stop, unused;
    task<unix_stream> a = listener->accept();
    task<unix_stream> b = listener->accept(unused.token());
    task<unix_stream> c = listener->accept(stop.token());
    stop.cancel();
    bool canceled = false;
    try {
        static_cast<void>(co_await std::move(c));
    } catch (const operation_canceled& error) {
        canceled = error.token() == stop.token();
    }
    EXPECT_TRUE(canceled);
    co_await listener->close();
    for (task<unix_stream>* each : {&a, &b}) {
        const std::string how = co_await failure_of(std::move(*each));
        EXPECT_EQ(how, "accept on '" + path + "' was canceled: it was closed meanwhile");
    }
    const std::string after = co_await failure_of(listener->accept());
    EXPECT_EQ(after, "'unix_listener' has been disposed");
}
TEST_F(unix_domain, closing_ends_pending_accepts) { block_on(close_pending_accepts(path("d"))); }

task<> close_pending_reads() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    std::array<std::byte, 4> room{};
    task<std::size_t> reading = both.first.read(std::span<std::byte>(room));
    co_await both.first.close();
    const std::string how = co_await failure_of(std::move(reading));
    EXPECT_NE(how.find("it was closed meanwhile"), std::string::npos) << how;
    cancellation_source stop;
    task<std::size_t> other = both.second.read(std::span<std::byte>(room), stop.token());
    const std::size_t end = co_await std::move(other);
    EXPECT_EQ(end, 0U);
}
TEST_F(unix_domain, closing_ends_pending_reads) { block_on(close_pending_reads()); }

task<> full_line(std::string path) {
    unix_listener listener = unix_listener::bind(unix_endpoint(path), {.backlog = 1});
    std::vector<task<unix_stream>> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(unix_stream::connect(unix_endpoint(path)));
    cancellation_source stop;
    task<unix_stream> late = unix_stream::connect(unix_endpoint(path), stop.token());
    stop.cancel();
    const std::string how = co_await failure_of(std::move(late));
    EXPECT_NE(how, "");
    for (task<unix_stream>& client : clients) {
        unix_stream server = co_await listener.accept();
        EXPECT_TRUE(server.is_open());
        static_cast<void>(client);
    }
    for (task<unix_stream>& client : clients) static_cast<void>(co_await std::move(client));
    co_await listener.close();
}
TEST_F(unix_domain, a_full_line_is_waited_for) { block_on(full_line(path("e"))); }

// ---- descriptors

task<> pass_descriptor() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    net::owned_descriptor reading(ends[0]), writing(ends[1]);
    const std::string_view text = "here it is";
    co_await both.first.send_descriptor(writing.get(), std::as_bytes(std::span(text)));
    writing = net::owned_descriptor();
    std::array<std::byte, 32> room{};
    net::received_descriptor got = co_await both.second.receive_descriptor(room);
    EXPECT_EQ(text_of(std::span(room).first(got.size)), text);
    EXPECT_TRUE(got.descriptor);
    EXPECT_NE(::fcntl(got.descriptor.get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::write(got.descriptor.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(reading.get(), &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
    co_await both.first.write(std::string_view("plain"));
    const net::received_descriptor plain = co_await both.second.receive_descriptor(room);
    EXPECT_EQ(plain.size, 5U);
    EXPECT_FALSE(plain.descriptor);
    // A descriptor whose receiver reads plainly, or not at all, is not left open: the fixture counts.
    co_await both.first.send_descriptor(reading.get(), std::as_bytes(std::span(text)));
    const std::size_t count = co_await both.second.read(std::span<std::byte>(room));
    EXPECT_EQ(count, text.size());
    co_await both.first.send_descriptor(reading.get(), std::as_bytes(std::span(text)));
    const std::string empty = co_await failure_of(both.first.send_descriptor(reading.get(), {}));
    EXPECT_NE(empty.find("at least one byte"), std::string::npos);
    both.first.shutdown_send();
    co_await both.second.read_exactly(std::span(room).first(text.size()));
    const net::received_descriptor end = co_await both.second.receive_descriptor(room);
    EXPECT_EQ(end.size, 0U);
}
TEST_F(unix_domain, a_descriptor_travels_with_bytes) { block_on(pass_descriptor()); }

/// What a peer may do that has no Weft: two descriptors at once.
void send_two(const unix_stream& by, std::string_view text, const std::array<int, 2>& descriptors) {
    iovec part{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)]{};
    msghdr head{};
    head.msg_iov = &part;
    head.msg_iovlen = 1;
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    cmsghdr* const with = CMSG_FIRSTHDR(&head);
    with->cmsg_level = SOL_SOCKET;
    with->cmsg_type = SCM_RIGHTS;
    with->cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(with), descriptors.data(), sizeof descriptors);
    EXPECT_EQ(::sendmsg(by.native_handle(), &head, 0), static_cast<ssize_t>(text.size()));
}

task<> two_at_once() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const net::owned_descriptor reading(ends[0]), writing(ends[1]);
    const std::array<int, 2> sent{writing.get(), reading.get()};
    std::array<std::byte, 32> room{};
    for (int round = 0; round < 3; ++round) {
        const int before = open_descriptors();
        send_two(both.first, "two", sent);
        {
            const net::received_descriptor got = co_await both.second.receive_descriptor(room);
            EXPECT_EQ(got.size, 3U);
            EXPECT_TRUE(got.descriptor);
            EXPECT_TRUE(got.lost_some);
            EXPECT_EQ(::write(got.descriptor.get(), "x", 1), 1);  // the first of the two
            EXPECT_EQ(open_descriptors(), before + 1);
        }
        EXPECT_EQ(open_descriptors(), before);
    }
}
TEST_F(unix_domain, of_two_descriptors_at_once_none_is_left_open) { block_on(two_at_once()); }

/// No new descriptor in this process.
class without_room {
public:
    without_room() {
        ::getrlimit(RLIMIT_NOFILE, &usual_);
        const int lowest = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
        ::close(lowest);
        rlimit tight = usual_;
        tight.rlim_cur = static_cast<rlim_t>(lowest);
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    }
    ~without_room() { ::setrlimit(RLIMIT_NOFILE, &usual_); }

private:
    rlimit usual_{};
};

task<> no_room() {
    std::pair<unix_stream, unix_stream> both = unix_stream::pair();
    const std::string_view text = "here it is";
    co_await both.first.send_descriptor(STDIN_FILENO, std::as_bytes(std::span(text)));
    std::array<std::byte, 32> room{};
    net::received_descriptor got;
    {
        const without_room full;
        got = co_await both.second.receive_descriptor(room);
    }
    EXPECT_EQ(text_of(std::span(room).first(got.size)), text);
    EXPECT_FALSE(got.descriptor);
    EXPECT_TRUE(got.lost_some);
    co_await both.first.send_descriptor(STDIN_FILENO, std::as_bytes(std::span(text)));
    got = co_await both.second.receive_descriptor(room);
    EXPECT_TRUE(got.descriptor);
    EXPECT_FALSE(got.lost_some);
}
TEST_F(unix_domain, a_descriptor_that_finds_no_room_is_reported_and_its_bytes_are_kept) { block_on(no_room()); }

// A read stops behind the bytes of a descriptor: there may be more although it was not filled.
task<> bytes_behind() {
    const std::string_view first = "A";
    cancellation_source late(std::chrono::seconds(20));
    for (int round = 0; round < 100; ++round) {
        std::pair<unix_stream, unix_stream> both = unix_stream::pair();
        std::array<char, 16> room{};
        task<std::size_t> reading = both.second.read(std::span<char>(room), late.token());
        co_await both.first.send_descriptor(STDIN_FILENO, std::as_bytes(std::span(first)));
        co_await both.first.write(std::string_view("B"));
        std::size_t count = co_await std::move(reading);
        std::string all(room.data(), count);
        while (all.size() < 2 && count != 0) {
            count = co_await both.second.read(std::span<char>(room), late.token());
            all.append(room.data(), count);
        }
        EXPECT_EQ(all, "AB");
    }
}
TEST_F(unix_domain, what_comes_behind_a_descriptor_is_read) { block_on(bytes_behind()); }

}  // namespace
