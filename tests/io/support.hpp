#pragma once
// tests/io/support.hpp: connections to try things on, and a fixture that counts descriptors.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <dirent.h>

#include <gtest/gtest.h>

#include "support/eventually.hpp"
#include "support/scale.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/net/tcp.hpp"
#include "weft/scheduling/block_on.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/task.hpp"

namespace weft_test {

/// Descriptors this process has open.
inline int open_descriptors() {
    int count = 0;
    DIR* folder = ::opendir("/proc/self/fd");
    while (::readdir(folder) != nullptr) ++count;
    ::closedir(folder);
    return count;
}

/// Both ends of a connection over the loopback.
struct connection {
    weft::net::tcp_stream client;
    weft::net::tcp_stream server;

    connection(weft::net::tcp_stream left, weft::net::tcp_stream right)
        : client(std::move(left)), server(std::move(right)) {}
};

inline weft::task<connection> connect_pair() {
    weft::net::tcp_listener listener = weft::net::tcp_listener::bind(weft::net::endpoint::loopback_v4());
    weft::task<weft::net::tcp_stream> accepted = listener.accept();
    weft::net::tcp_stream client = co_await weft::net::tcp_stream::connect(listener.local_endpoint());
    weft::net::tcp_stream server = co_await std::move(accepted);
    co_await listener.close();
    co_return connection(std::move(client), std::move(server));
}

inline weft::task<std::string> read_to_end(weft::net::tcp_stream& stream) {
    std::string all;
    std::vector<char> buffer(16 * 1024);
    for (;;) {
        const std::size_t count = co_await stream.read(std::span<char>(buffer));
        if (count == 0) co_return all;
        all.append(buffer.data(), count);
    }
}

/// What `operation` throws, as text; empty when it does not.
template <class T>
weft::task<std::string> failure_of(weft::task<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const std::exception& error) {
        co_return std::string(error.what());
    }
    co_return std::string();
}

/// Checks that a test leaves no descriptor behind.
class io_test : public ::testing::Test {
protected:
    void SetUp() override {
        static_cast<void>(weft::runtime::default_runtime());
        before_ = open_descriptors();
    }
    void TearDown() override {
        EXPECT_TRUE(eventually([this] { return open_descriptors() <= before_; }, std::chrono::seconds(5)))
            << open_descriptors() - before_ << " descriptors were left open";
    }

private:
    int before_ = 0;
};

}  // namespace weft_test
