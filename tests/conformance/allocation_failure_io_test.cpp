// tests/conformance/allocation_failure_io_test.cpp: each allocation of an exchange with the kernel fails, one at a time, on whichever thread
// makes it. The exchange ends well or with std::bad_alloc, nobody hangs, no descriptor stays open, and the runtime works on.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

#if !WEFT_TSAN  // which keeps operator new to itself

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <dirent.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "backends.hpp"
#include "io/fake_name_server.hpp"
#include "io/uring/uring_driver.hpp"
#include "support/eventually.hpp"
#include "weft/fs/directory.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/net/resolver.hpp"
#include "weft/net/tcp.hpp"
#include "weft/net/udp.hpp"
#include "weft/process.hpp"
#include "weft/testing/allocation_failure.hpp"
#include "weft/tls/certificate.hpp"
#include "weft/tls/tls_context.hpp"
#include "weft/tls/tls_stream.hpp"
#include "weft/weft.hpp"

namespace weft_test {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::allocation_sweep;
using weft::testing::allocations_of;
using weft::testing::allocations_succeed;
using weft::testing::fail_each_allocation;

namespace {

/// What each open descriptor is.
std::vector<std::string> descriptors_now() {
    std::vector<std::string> all;
    DIR* folder = ::opendir("/proc/self/fd");
    while (const dirent* each = ::readdir(folder)) {
        char target[256];
        const ssize_t size = ::readlinkat(::dirfd(folder), each->d_name, target, sizeof target);
        if (size > 0) all.emplace_back(target, static_cast<std::size_t>(size));
    }
    ::closedir(folder);
    return all;
}

void require(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
}

/// What the scenarios share, made before anything fails.
struct surroundings {
    std::string folder;
    net::endpoint name_server;
    std::optional<net::tls_context> tls_server, tls_client;
};

// ---- the scenarios

task<> echo_once(net::tcp_listener& listener, cancellation_token stop) {
    net::tcp_stream peer = co_await listener.accept(stop);
    std::array<std::byte, 5> bytes{};
    co_await peer.read_exactly(std::span<std::byte>(bytes), stop);
    co_await peer.write(std::span<const std::byte>(bytes), stop);
    co_await peer.close();
}

task<> say_hello(net::endpoint where, cancellation_token stop) {
    net::tcp_stream stream = co_await net::tcp_stream::connect(where, stop);
    co_await stream.write(std::string_view("hello"), stop);
    std::array<std::byte, 5> bytes{};
    co_await stream.read_exactly(std::span<std::byte>(bytes), stop);
    require(bytes[4] == std::byte{'o'}, "the echo");
    co_await stream.close();
}

/// A server and its client, each of which ends the other when it fails.
template <class Server, class Client>
task<> side_by_side(Server server, Client client) {
    return with_scope([server = std::move(server), client = std::move(client)](task_scope& scope) -> task<> {
        scope.spawn(client).forget();
        const task<> serving = scope.spawn(server);
        co_await serving;
    });
}

task<> tcp(const surroundings&) {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    const net::endpoint where = listener.local_endpoint();
    task<> both = side_by_side([&listener](cancellation_token stop) { return echo_once(listener, std::move(stop)); },
        [where](cancellation_token stop) { return say_hello(where, std::move(stop)); });
    co_await both;
    co_await listener.close();
}

task<> files(const surroundings& here) {
    const std::string path = here.folder + "/a_file_with_a_name_that_is_not_short";
    std::string text(5000, 'x');
    co_await fs::write_all_text(path, text);
    const std::string back = co_await fs::read_all_text(path);
    require(back == text, "the text");
    fs::file opened = co_await fs::file::open(path, fs::open_mode::read);
    std::array<char, 16> part{};
    const std::size_t count = co_await opened.read_at(10, std::as_writable_bytes(std::span(part)));
    require(count == part.size(), "a part");
    co_await opened.close();
}

task<> walks(const surroundings& here) {
    std::size_t seen = 0;
    async_stream<fs::directory_entry> all = fs::enumerate(here.folder + "/tree", {.recurse = true});
    while (std::optional<fs::directory_entry> entry = co_await all.next()) ++seen;
    require(seen == 4, "every entry");
}

task<> look_ups(const surroundings& here) {
    const std::vector<net::endpoint> servers{here.name_server};
    net::resolver_options options;
    options.servers = servers;
    const net::resolver resolver(options);
    const std::vector<net::endpoint> found = co_await resolver.resolve("four.test", 80);
    require(found.size() == 1 && found[0].address() == "192.0.2.4", "the address");
}

task<> datagrams(const surroundings&) {
    net::udp_socket one = net::udp_socket::bind(net::endpoint::loopback_v4());
    net::udp_socket other = net::udp_socket::bind(net::endpoint::loopback_v4());
    co_await one.send_to(other.local_endpoint(), std::string_view("ping"));
    std::array<std::byte, 16> room{};
    const net::received_datagram got = co_await other.receive_from(std::span<std::byte>(room));
    require(got.size == 4, "the datagram");
    const net::datagram each{std::as_bytes(std::span(room)), other.local_endpoint()};
    const std::array<net::datagram, 3> together{each, each, each};
    const std::size_t sent = co_await one.send_many(together);
    require(sent == 3, "datagrams sent together");
    std::array<std::byte, 48> bytes{};
    std::array<net::datagram_room, 3> rooms{};
    for (std::size_t i = 0; i < rooms.size(); ++i) rooms[i].room = std::span(bytes).subspan(16 * i, 16);
    const std::size_t came = co_await other.receive_many(rooms);
    require(came == 3, "datagrams received together");
    co_await one.close();
    co_await other.close();
}

task<> processes(const surroundings&) {
    process_start_info info("/bin/echo", {"a text of some length, so that it has to be allocated"});
    const process_result ended = co_await process::run(info);
    require(ended.status.succeeded() && ended.output.starts_with("a text"), "what it said");
}

task<> secure_echo(net::tcp_listener& listener, net::tls_context context, cancellation_token stop) {
    net::tcp_stream peer = co_await listener.accept(stop);
    net::tls_stream secure = co_await net::tls_stream::accept(std::move(peer), context, 10s, stop);
    std::array<std::byte, 5> bytes{};
    co_await secure.read_exactly(std::span<std::byte>(bytes), stop);
    co_await secure.write(std::span<const std::byte>(bytes), stop);
    co_await secure.close();
}

task<> secure_hello(net::endpoint where, net::tls_context context, cancellation_token stop) {
    net::tcp_stream stream = co_await net::tcp_stream::connect(where, stop);
    std::string host = "server.test";
    net::tls_stream secure = co_await net::tls_stream::connect(std::move(stream), context, std::move(host), 10s, stop);
    co_await secure.write(std::string_view("hello"), stop);
    std::array<std::byte, 5> bytes{};
    co_await secure.read_exactly(std::span<std::byte>(bytes), stop);
    require(bytes[4] == std::byte{'o'}, "the echo");
    co_await secure.close();
}

task<> tls(const surroundings& here) {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    const net::endpoint where = listener.local_endpoint();
    task<> both = side_by_side(
        [&here, &listener](cancellation_token stop) { return secure_echo(listener, *here.tls_server, std::move(stop)); },
        [&here, where](cancellation_token stop) { return secure_hello(where, *here.tls_client, std::move(stop)); });
    co_await both;
    co_await listener.close();
}

task<> work_and_timers(const surroundings&) {
    const int sum = co_await run([]() -> task<int> {
        co_await delay(1ms);
        co_return 3;
    });
    const int blocking = co_await run_blocking([] { return 4; });
    require(sum + blocking == 7, "the sum");
}

struct exchange {
    const char* name;
    task<> (*scenario)(const surroundings&);
};

// ---- where they run

class each_allocation_of_io : public ::testing::TestWithParam<std::tuple<backend, exchange>> {
protected:
    void SetUp() override {
        if (std::get<0>(GetParam()) == backend::io_uring) {
            static const std::string refused = weft::detail::probe_io_uring();
            if (!refused.empty()) GTEST_SKIP() << "no io_uring here: " << refused;
        }
        char folder[] = "/tmp/weft-allocations-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        here_.folder = folder;
        ASSERT_EQ(
            std::system(("cd " + here_.folder + " && mkdir -p tree/one/two && touch tree/three tree/one/four").c_str()), 0);
        std::map<std::string, zone_entry> zone;
        zone["four.test"].v4 = {"192.0.2.4"};
        name_server_.emplace(std::move(zone));
        here_.name_server = name_server_->endpoint();
        static const std::array<std::string_view, 1> names{"server.test"};
        static const net::tls_identity identity = net::make_self_signed(names);
        here_.tls_server =
            net::tls_context_builder::for_server().certificate_pem(identity.certificate, identity.key).build();
        here_.tls_client = net::tls_context_builder::for_client().trust_pem(identity.certificate).resumption(false).build();
    }
    void TearDown() override {
        if (!here_.folder.empty()) static_cast<void>(std::system(("rm -rf " + here_.folder).c_str()));
    }

    surroundings here_;
    std::optional<fake_name_server> name_server_;
};

TEST_P(each_allocation_of_io, may_fail) {
    const auto& [which, what] = GetParam();
    runtime_options options;
    options.driver = which == backend::epoll ? "epoll" : "io_uring";
    options.min_threads = 1;
    runtime where(options);
    block_on(where, [&] { return what.scenario(here_); });  // what is made once is made here
    const std::size_t before = descriptors_now().size();
    int others = 0;
    const allocation_sweep done = fail_each_allocation(
        [&] {
            bool failed = false;
            try {
                block_on(where, [&] { return what.scenario(here_); });
            } catch (const std::bad_alloc&) {
                failed = true;
            } catch (const std::logic_error&) {
                throw;
            } catch (const std::exception&) {
                // What the peer of the one that had no memory has seen: an end that came early.
                ++others;
            }
            const allocations_succeed own;
            if (!eventually([&] { return descriptors_now().size() <= before; })) {
                std::string left;
                for (const std::string& each : descriptors_now()) left += each + "\n";
                throw std::logic_error("descriptors were left open:\n" + left);
            }
            if (failed) throw std::bad_alloc();
        },
        allocations_of::every_thread);
    EXPECT_GT(done.allocations, 0U);
    block_on(where, [&] { return what.scenario(here_); });
    RecordProperty("allocations", static_cast<int>(done.allocations));
    RecordProperty("thrown", static_cast<int>(done.thrown));
    RecordProperty("other_errors", others);
}

INSTANTIATE_TEST_SUITE_P(of, each_allocation_of_io,
    ::testing::Combine(::testing::Values(backend::epoll, backend::io_uring),
        ::testing::Values(exchange{"work_and_timers", &work_and_timers}, exchange{"tcp", &tcp}, exchange{"files", &files},
            exchange{"walks", &walks}, exchange{"look_ups", &look_ups}, exchange{"datagrams", &datagrams},
            exchange{"processes", &processes}, exchange{"tls", &tls})),
    [](const auto& of) { return name_of(std::get<0>(of.param)) + "_" + std::get<1>(of.param).name; });

}  // namespace
}  // namespace weft_test

#endif
