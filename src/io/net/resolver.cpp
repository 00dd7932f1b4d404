// src/io/net/resolver.cpp: what is known without asking, who is asked otherwise, and each runtime's own resolver.
// SPDX-License-Identifier: MIT

#include "weft/io/net/resolver.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include <netdb.h>

#include "io/net/dns/dns_engine.hpp"
#include "io/net/dns/system_lookup.hpp"
#include "io/net/socket_state.hpp"
#include "io/substitute_driver.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI {

namespace {

class resolver_category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "resolver"; }
    [[nodiscard]] std::string message(int error) const override {
        switch (static_cast<net::resolve_errc>(error)) {
            case net::resolve_errc::timed_out: return "no name server answered in time";
            case net::resolve_errc::no_server: return "no name server could be reached, or none would answer";
            case net::resolve_errc::bad_name: return "this is no host name";
            default: return ::gai_strerror(error);
        }
    }
};

}  // namespace

std::error_code detail::resolver_error(int answer, int system_error) {
    static const resolver_category category;
    if (answer == EAI_SYSTEM) return {system_error, std::generic_category()};
    return {answer, category};
}

namespace net {

static_assert(static_cast<int>(resolve_errc::not_found) == EAI_NONAME);
static_assert(static_cast<int>(resolve_errc::server_failed) == EAI_AGAIN);
static_assert(static_cast<int>(resolve_errc::failed) == EAI_FAIL);

std::error_code make_error_code(resolve_errc error) noexcept { return detail::resolver_error(static_cast<int>(error)); }

namespace {

using detail::dns_engine;
using engine_ptr = std::shared_ptr<dns_engine>;

/// The driver of a simulated network, which answers by itself; null: there is none.
io_driver* world_of_this_thread() {
    dispatcher* const home = detail::this_thread_block().home;
    return home == nullptr ? nullptr : detail::substitute_io_driver(*home);
}

std::string in_lower_case(std::string text) {
    for (char& each : text) {
        if (each >= 'A' && each <= 'Z') each = static_cast<char>(each | 0x20);
    }
    return text;
}

/// Whether `host`, in lower case, is `domain` or below it.
bool is_within(std::string_view host, std::string_view domain) noexcept {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!host.ends_with(domain)) return false;
    return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

/// What needs no asking: numbers, and the names of RFC 6761 that mean this machine (6.3) or nothing (6.4).
/// @throws io_error  for the latter, and for what is no name
std::optional<std::vector<endpoint>> known_without_asking(
    const std::string& host, const std::string& lower, std::uint16_t port, address_family family) {
    if (const std::optional<endpoint> number = endpoint::try_from_address(host, port))
        return std::vector<endpoint>(1, *number);
    if (host.empty() || host.find('\0') != std::string::npos)
        throw io_error(make_error_code(resolve_errc::bad_name), "resolve '" + host + "'");
    if (is_within(lower, "invalid")) throw io_error(make_error_code(resolve_errc::not_found), "resolve '" + host + "'");
    if (!is_within(lower, "localhost")) return std::nullopt;
    std::vector<endpoint> here;
    if (family != address_family::v6) here.push_back(endpoint::loopback_v4(port));
    if (family != address_family::v4) here.push_back(endpoint::loopback_v6(port));
    return here;
}

task<std::vector<endpoint>> addresses_of(
    engine_ptr engine, std::string host, std::uint16_t port, cancellation_token token) {
    token.throw_if_cancellation_requested();
    const detail::dns_settings& settings = engine->settings();
    std::string lower = in_lower_case(host);
    if (std::optional<std::vector<endpoint>> known = known_without_asking(host, lower, port, settings.family))
        co_return std::move(*known);
    if (settings.through == resolve_through::system) {
        task<std::vector<endpoint>> asking = detail::system_addresses(host, port, settings.family, std::move(token));
        co_return co_await std::move(asking).configure_await(false);
    }
    task<detail::dns_answer_ptr> asking =
        dns_engine::ask(engine, detail::question_kind::addresses, std::move(lower), std::move(token));
    const detail::dns_answer_ptr answer = co_await std::move(asking).configure_await(false);
    if (answer->error != 0) throw io_error(detail::resolver_error(answer->error), "resolve '" + host + "'");
    std::vector<endpoint> result = answer->addresses;
    for (endpoint& each : result) each = endpoint::from_bytes(each.is_v6(), each.bytes().data(), port, each.scope());
    co_return result;
}

task<std::string> name_through(engine_ptr engine, endpoint address, cancellation_token token) {
    if (world_of_this_thread() != nullptr) throw invalid_operation("a simulated network has no names of addresses");
    token.throw_if_cancellation_requested();
    if (engine->settings().through == resolve_through::system) {
        task<std::string> asking = detail::system_name(address, std::move(token));
        co_return co_await std::move(asking).configure_await(false);
    }
    // Without the interface of a link-local address, which no zone knows.
    const endpoint plain = endpoint::from_bytes(address.is_v6(), address.bytes().data(), 0);
    task<detail::dns_answer_ptr> asking =
        dns_engine::ask(engine, detail::question_kind::name, plain.address(), std::move(token));
    const detail::dns_answer_ptr answer = co_await std::move(asking).configure_await(false);
    if (answer->error != 0)
        throw io_error(detail::resolver_error(answer->error), "find the name of '" + address.address() + "'");
    co_return answer->name;
}

// ---- each runtime's own

engine_ptr make_default_engine() {
    resolver_options options;
    const char* wanted = std::getenv("WEFT_RESOLVER");
    const std::string_view choice = wanted == nullptr ? "" : wanted;
    if (choice == "system") options.through = resolve_through::system;
    else if (!choice.empty() && choice != "dns")
        throw std::invalid_argument("WEFT_RESOLVER='" + std::string(choice) + "' is not known: choose 'dns' or 'system'");
    if (dynamic_cast<io_driver*>(&runtime::current().io_driver()) == nullptr) options.through = resolve_through::system;
    return std::make_shared<dns_engine>(options);
}

/// The resolvers of the runtimes that have asked. An entry goes when its runtime begins to shut down; a question that comes later
/// gets a resolver for itself, which ends with it.
class default_engines {
public:
    static engine_ptr of_this_runtime() {
        // Never destroyed: runtimes may end later than statics.
        static default_engines& all = *new default_engines;
        return all.find(runtime::current());
    }

private:
    struct entry {
        runtime* of;
        engine_ptr engine;
        cancellation_registration at_shutdown;
    };

    engine_ptr find(runtime& of) {
        {
            const std::lock_guard guard(mutex_);
            if (const auto known = position(of); known != entries_.end()) return known->engine;
        }
        engine_ptr made = make_default_engine();
        {
            const std::lock_guard guard(mutex_);
            if (const auto known = position(of); known != entries_.end()) return known->engine;
            entries_.push_back(entry{&of, made, cancellation_registration()});
        }
        // Registered without the lock, which the callback takes. It may run here and now.
        cancellation_registration mark = of.shutdown_token().unsafe_register([this, at = &of] { remove(*at); });
        const std::lock_guard guard(mutex_);
        if (const auto known = position(of); known != entries_.end()) known->at_shutdown = std::move(mark);
        return made;
    }
    void remove(runtime& of) {
        entry gone{};
        const std::lock_guard guard(mutex_);
        const auto known = position(of);
        if (known == entries_.end()) return;
        gone = std::move(*known);
        entries_.erase(known);
    }
    std::vector<entry>::iterator position(runtime& of) {
        return std::ranges::find(entries_, &of, [](const entry& each) { return each.of; });
    }

    std::mutex mutex_;
    std::vector<entry> entries_;
};

// ---- in a world of its own: a descriptor that is never opened

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
        if (request_.error != 0) throw io_error(detail::resolver_error(request_.error), "resolve '" + host_ + "'");
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

task<std::vector<endpoint>> resolve_in(io_driver& world, std::string host, std::uint16_t port, cancellation_token token) {
    std::unique_ptr<look_up_state, dropped> state(new look_up_state(world, std::move(host), port));
    detail::io_request question(state.get(), &state->request(), 0, std::move(token));
    co_await look_up_operation(std::move(question)).configure_await(false);
    co_return state->answer();
}

}  // namespace

// ---- the doors

resolver::resolver(const resolver_options& options) : engine_(std::make_shared<dns_engine>(options)) {}
resolver::resolver(resolver&&) noexcept = default;
resolver& resolver::operator=(resolver&&) noexcept = default;
resolver::~resolver() = default;

task<std::vector<endpoint>> resolver::resolve(std::string host, std::uint16_t port, cancellation_token token) const {
    if (engine_ == nullptr) throw object_disposed("resolver");
    if (io_driver* const world = world_of_this_thread()) return resolve_in(*world, std::move(host), port, std::move(token));
    return addresses_of(engine_, std::move(host), port, std::move(token));
}

task<std::string> resolver::name_of(endpoint address, cancellation_token token) const {
    if (engine_ == nullptr) throw object_disposed("resolver");
    return name_through(engine_, address, std::move(token));
}

void resolver::clear_cache() noexcept {
    if (engine_ != nullptr) engine_->clear_cache();
}

resolver_statistics resolver::statistics() const noexcept {
    return engine_ == nullptr ? resolver_statistics{} : engine_->statistics();
}

task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port, cancellation_token token) {
    token.throw_if_cancellation_requested();
    if (const std::optional<endpoint> known = endpoint::try_from_address(host, port))
        co_return std::vector<endpoint>(1, *known);
    io_driver* const world = world_of_this_thread();
    task<std::vector<endpoint>> asking = world != nullptr
        ? resolve_in(*world, std::move(host), port, std::move(token))
        : addresses_of(default_engines::of_this_runtime(), std::move(host), port, std::move(token));
    co_return co_await std::move(asking).configure_await(false);
}

task<std::string> name_of(endpoint address, cancellation_token token) {
    task<std::string> asking = name_through(default_engines::of_this_runtime(), address, std::move(token));
    co_return co_await std::move(asking).configure_await(false);
}

}  // namespace net

}  // namespace weft::inline WEFT_ABI
