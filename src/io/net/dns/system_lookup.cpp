// src/io/net/dns/system_lookup.cpp: the C library knows how this system is configured, and blocks.
// SPDX-License-Identifier: MIT

#include "io/net/dns/system_lookup.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

#include "io/net/socket_state.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

/// One look-up, shared between the thread that makes it and the task that may give up waiting.
struct address_look_up {
    std::string host;
    std::uint16_t port = 0;
    net::address_family family = net::address_family::any;
    task_completion_source<std::vector<net::endpoint>> answer;

    void run() {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        if (family != net::address_family::any) wanted.ai_family = family == net::address_family::v4 ? AF_INET : AF_INET6;
        addrinfo* found = nullptr;
        errno = 0;
        if (const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found); failed != 0) {
            answer.set_exception(io_error(resolver_error(failed, errno), "resolve '" + host + "'"));
            return;
        }
        std::vector<net::endpoint> result;
        for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
            net::endpoint known;
            if (!endpoint_from(at->ai_addr, known)) continue;
            known = net::endpoint::from_bytes(known.is_v6(), known.bytes().data(), port, known.scope());
            if (std::find(result.begin(), result.end(), known) == result.end()) result.push_back(known);
        }
        ::freeaddrinfo(found);
        if (result.empty()) answer.set_exception(io_error(resolver_error(EAI_NONAME), "resolve '" + host + "'"));
        else answer.set_result(std::move(result));
    }
};

struct name_look_up {
    net::endpoint address;
    task_completion_source<std::string> answer;

    void run() {
        socket_address known(address);
        char text[NI_MAXHOST] = "";
        errno = 0;
        const int failed = ::getnameinfo(known.data(), known.size(), text, sizeof text, nullptr, 0, NI_NAMEREQD);
        if (failed == 0) answer.set_result(std::string(text));
        else answer.set_exception(io_error(resolver_error(failed, errno), "find the name of '" + address.address() + "'"));
    }
};

}  // namespace

task<std::vector<net::endpoint>> system_addresses(
    std::string host, std::uint16_t port, net::address_family family, cancellation_token token) {
    auto work = std::make_shared<address_look_up>();
    work->host = std::move(host);
    work->port = port;
    work->family = family;
    runtime::current().post_blocking([work] { work->run(); });
    task<std::vector<net::endpoint>> answer = work->answer.task();
    co_return co_await answer.wait_async(std::move(token)).configure_await(false);
}

task<std::string> system_name(net::endpoint address, cancellation_token token) {
    auto work = std::make_shared<name_look_up>();
    work->address = address;
    runtime::current().post_blocking([work] { work->run(); });
    task<std::string> answer = work->answer.task();
    co_return co_await answer.wait_async(std::move(token)).configure_await(false);
}

}  // namespace weft::inline WEFT_ABI::detail
