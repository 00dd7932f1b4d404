// tests/io/send_file_test.cpp: bytes from a file to a socket, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <numeric>
#include <vector>

#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/net/send_file.hpp"

namespace {

using namespace weft;
using namespace weft_test;

constexpr std::uint64_t everything = io_operation::no_offset;

/// A file of `size` bytes that goes with the test.
class sent_file : public io_test {
protected:
    void SetUp() override {
        io_test::SetUp();
        path_ = "/tmp/weft-send-" + std::to_string(::getpid());
        contents_.resize(3'000'001);
        for (std::size_t i = 0; i < contents_.size(); ++i) contents_[i] = static_cast<char>('a' + i * 7 % 26);
        block_on(fs::write_all_text(path_, contents_));
    }
    void TearDown() override {
        ::unlink(path_.c_str());
        io_test::TearDown();
    }
    std::string path_;
    std::string contents_;
};

task<> whole_file(const std::string& path, const std::string& contents) {
    connection both = co_await connect_pair();
    fs::file source = co_await fs::file::open(path);
    task<std::string> reading = read_to_end(both.server);
    co_await both.client.write(std::string_view("head "));
    const std::uint64_t sent = co_await net::send_file(both.client, source, 0, everything);
    EXPECT_EQ(sent, contents.size());
    const std::uint64_t part = co_await net::send_file(both.client, source, 10, 5);
    EXPECT_EQ(part, 5U);
    const std::uint64_t none = co_await net::send_file(both.client, source, contents.size() + 10, 5);
    EXPECT_EQ(none, 0U);
    const std::uint64_t zero = co_await net::send_file(both.client, source, 0, 0);
    EXPECT_EQ(zero, 0U);
    both.client.shutdown_send();
    const std::string heard = co_await std::move(reading);
    EXPECT_TRUE(heard == "head " + contents + contents.substr(10, 5));
    co_await source.close();
}
TEST_F(sent_file, arrives_whole_or_in_part) { block_on(whole_file(path_, contents_)); }

task<> over_unix(const std::string& path, const std::string& contents) {
    std::pair<net::unix_stream, net::unix_stream> both = net::unix_stream::pair();
    fs::file source = co_await fs::file::open(path);
    task<std::uint64_t> sending = net::send_file(both.first, source, 0, 100'000);
    std::vector<std::byte> room(100'000);
    co_await both.second.read_exactly(room);
    EXPECT_TRUE(std::string(reinterpret_cast<const char*>(room.data()), room.size()) == contents.substr(0, room.size()));
    const std::uint64_t sent = co_await std::move(sending);
    EXPECT_EQ(sent, 100'000U);
    co_await source.close();
}
TEST_F(sent_file, goes_over_unix_sockets_too) { block_on(over_unix(path_, contents_)); }

task<> what_is_no_plain_file() {
    connection both = co_await connect_pair();
    fs::file source = co_await fs::file::open("/proc/self/status");
    task<std::string> reading = read_to_end(both.server);
    const std::uint64_t sent = co_await net::send_file(both.client, source, 0, everything);
    both.client.shutdown_send();
    const std::string heard = co_await std::move(reading);
    EXPECT_EQ(heard.size(), sent);
    EXPECT_NE(heard.find("Name:"), std::string::npos);
    co_await source.close();
}
TEST_F(sent_file, of_proc_goes_as_well) { block_on(what_is_no_plain_file()); }

task<> cancel_when_full(const std::string& path) {
    connection both = co_await connect_pair();
    both.client.send_buffer(4096);
    fs::file source = co_await fs::file::open(path);
    cancellation_source stop;
    // Nobody reads: it ends up waiting for room.
    task<std::uint64_t> sending = net::send_file(both.client, source, 0, everything, stop.token());
    stop.cancel();
    bool canceled = false;
    std::uint64_t sent = 0;
    try {
        sent = co_await std::move(sending);
    } catch (const operation_canceled& error) {
        canceled = error.token() == stop.token();
    }
    EXPECT_TRUE(canceled || sent > 0);
    co_await source.close();
}
TEST_F(sent_file, can_be_cancelled_while_the_peer_does_not_read) { block_on(cancel_when_full(path_)); }

task<> peer_goes(const std::string& path) {
    connection both = co_await connect_pair();
    fs::file source = co_await fs::file::open(path);
    both.server.reset_on_close();
    co_await both.server.close();
    // No SIGPIPE either.
    std::string said;
    while (said.empty()) said = co_await failure_of(net::send_file(both.client, source, 0, everything));
    EXPECT_NE(said.find("127.0.0.1:"), std::string::npos) << said;
    co_await source.close();
    const std::string closed = co_await failure_of(net::send_file(both.client, source, 0, everything));
    EXPECT_EQ(closed, "'file' has been disposed");
}
TEST_F(sent_file, to_a_peer_that_is_gone_is_an_error) { block_on(peer_goes(path_)); }

task<> closed_meanwhile(const std::string& path) {
    connection both = co_await connect_pair();
    both.client.send_buffer(4096);
    fs::file source = co_await fs::file::open(path);
    task<std::uint64_t> sending = net::send_file(both.client, source, 0, everything);
    co_await both.client.close();
    const std::string how = co_await failure_of(std::move(sending));
    EXPECT_NE(how.find("it was closed meanwhile"), std::string::npos) << how;
    co_await source.close();
}
TEST_F(sent_file, ends_when_the_socket_is_closed) { block_on(closed_meanwhile(path_)); }

}  // namespace
