// src/io/net/resolver.cpp: names through the C library, which knows how this system is configured, on a blocking thread.
// SPDX-License-Identifier: MIT

#include "weft/io/net/resolver.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <netdb.h>

#include "io/net/socket_state.hpp"
#include "io/substitute_driver.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::net {

namespace {

class resolver_category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "resolver"; }
    [[nodiscard]] std::string message(int error) const override { return ::gai_strerror(error); }
};

std::error_code error_of(int answer, int system_error) {
    static const resolver_category category;
    if (answer == EAI_SYSTEM) return {system_error, std::generic_category()};
    return {answer, category};
}

/// RFC 6761, 6.3: these names are the own machine's, also where no hosts file says so, as in a bare container.
bool names_this_machine(std::string_view host) noexcept {
    constexpr std::string_view local = "localhost";
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.size() < local.size()) return false;
    const std::string_view end = host.substr(host.size() - local.size());
    const bool same = std::equal(end.begin(), end.end(), local.begin(), [](char a, char b) { return (a | 0x20) == b; });
    return same && (end.size() == host.size() || host[host.size() - local.size() - 1] == '.');
}

/// One look-up, shared between the thread that makes it and the task that may give up waiting.
struct look_up {
    std::string host;
    std::uint16_t port;
    task_completion_source<std::vector<endpoint>> answer;

    look_up(std::string name, std::uint16_t number) : host(std::move(name)), port(number) {}

    void run() {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        errno = 0;
        const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
        if (failed != 0 && names_this_machine(host)) {
            answer.set_result(std::vector<endpoint>{endpoint("127.0.0.1", port), endpoint("::1", port)});
            return;
        }
        if (failed != 0) {
            answer.set_exception(io_error(error_of(failed, errno), "resolve '" + host + "'"));
            return;
        }
        std::vector<endpoint> result;
        for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
            endpoint known;
            if (!detail::endpoint_from(at->ai_addr, known)) continue;
            known = endpoint::from_bytes(known.is_v6(), known.bytes().data(), port, known.scope());
            if (std::find(result.begin(), result.end(), known) == result.end()) result.push_back(known);
        }
        ::freeaddrinfo(found);
        if (result.empty()) answer.set_exception(io_error(error_of(EAI_NONAME, 0), "resolve '" + host + "'"));
        else answer.set_result(std::move(result));
    }
};

/// A look-up in a world of its own: a descriptor that is never opened.
class look_up_state final : public detail::descriptor_state {
public:
    look_up_state(io_driver& driver, std::string host, std::uint16_t port)
        : descriptor_state(driver, -1), host_(std::move(host)) {
        request_.host = host_;
        request_.port = port;
    }
    [[nodiscard]] const char* kind() const noexcept override { return "resolver"; }
    [[nodiscard]] std::string name() const override { return host_; }
    [[nodiscard]] name_request& request() noexcept { return request_; }
    [[nodiscard]] std::vector<endpoint> answer() {
        if (request_.error != 0) throw io_error(error_of(request_.error, 0), "resolve '" + host_ + "'");
        return std::move(request_.addresses);
    }

private:
    std::string host_;
    name_request request_;
};

struct dropped {
    void operator()(look_up_state* state) const noexcept { state->abandon(); }
};

std::string attempt_to_resolve(const detail::descriptor_state& state) { return "resolve '" + state.name() + "'"; }
using look_up_operation = detail::descriptor_operation<io_kind::resolve, void, &attempt_to_resolve>;

}  // namespace

task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port, cancellation_token token) {
    token.throw_if_cancellation_requested();
    if (const std::optional<endpoint> known = endpoint::try_from_address(host, port))
        co_return std::vector<endpoint>(1, *known);
    dispatcher* const home = detail::this_thread_block().home;
    if (io_driver* const world = home == nullptr ? nullptr : detail::substitute_io_driver(*home)) {
        std::unique_ptr<look_up_state, dropped> state(new look_up_state(*world, std::move(host), port));
        detail::io_request question(state.get(), &state->request(), 0, std::move(token));
        co_await look_up_operation(std::move(question)).configure_await(false);
        co_return state->answer();
    }
    auto work = std::make_shared<look_up>(std::move(host), port);
    runtime::current().post_blocking([work] { work->run(); });
    task<std::vector<endpoint>> answer = work->answer.task();
    co_return co_await answer.wait_async(std::move(token)).configure_await(false);
}

}  // namespace weft::inline WEFT_ABI::net
