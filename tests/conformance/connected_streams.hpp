#pragma once
// tests/conformance/connected_streams.hpp: both ends of a connection as streams, and what an operation on one says.
// SPDX-License-Identifier: MIT

#include <exception>
#include <string>
#include <utility>

#include "weft/base/error.hpp"
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

/// "canceled", the message, or nothing.
template <class T>
weft::task<std::string> failure_of(weft::task<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const weft::operation_canceled&) {
        co_return "canceled";
    } catch (const std::exception& error) {
        co_return std::string(error.what());
    }
    co_return std::string();
}

}  // namespace weft_test
