#pragma once
// tests/conformance/connected_streams.hpp: both ends of a connection as streams.
// SPDX-License-Identifier: MIT

#include <utility>

#include "support/failure_of.hpp"
#include "weft/net/tcp.hpp"
#include "weft/task/task.hpp"

namespace weft_test {

struct streams {
    weft::net::tcp_stream client, server;
};

inline weft::task<streams> connected_streams() {
    weft::net::tcp_listener listener = weft::net::tcp_listener::bind(weft::net::endpoint::loopback_v4());
    weft::task<weft::net::tcp_stream> accepted = listener.accept();
    streams both;
    both.client = co_await weft::net::tcp_stream::connect(listener.local_endpoint());
    both.server = co_await std::move(accepted);
    co_await listener.close();
    co_return both;
}

}  // namespace weft_test
