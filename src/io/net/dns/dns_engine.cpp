// src/io/net/dns/dns_engine.cpp: from a question to c-ares, its sockets and deadlines to the driver and back, and the answer to all who ask.
//
// A question goes these steps:
//  1. join(): known to the cache, or joined to an equal one under way, or handed to c-ares. That sends, and so reports interest in
//     sockets (on_interest).
//  2. the end of the round starts a task for each new interest (serve) and sees to it that one waits for the next deadline.
//  3. these call process() when the driver or the timer says so; c-ares calls on_addresses or on_name, at the latest when its tries
//     are used up.
//  4. the end of that round completes the question's source, which resumes the askers on their own threads.
// c-ares 1.18 can only drop all questions of a channel, so one is dropped when nobody waits for any: leave().
// SPDX-License-Identifier: MIT

#include "io/net/dns/dns_engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/net/socket_state.hpp"
#include "weft/base/error.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/scheduling/block_on.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

void require_ares() {
    static const int status = ::ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS)
        throw std::runtime_error(std::string("starting the resolver failed: ") + ::ares_strerror(status));
}

int error_of(int status) noexcept {
    using net::resolve_errc;
    switch (status) {
        case ARES_SUCCESS: return 0;
        case ARES_ENOTFOUND: return static_cast<int>(resolve_errc::not_found);
        case ARES_ENODATA: return static_cast<int>(resolve_errc::no_address);
        case ARES_ESERVFAIL: return static_cast<int>(resolve_errc::server_failed);
        case ARES_ETIMEOUT: return static_cast<int>(resolve_errc::timed_out);
        case ARES_ECONNREFUSED: return static_cast<int>(resolve_errc::no_server);
        case ARES_EBADNAME: return static_cast<int>(resolve_errc::bad_name);
        default: return static_cast<int>(resolve_errc::failed);
    }
}

std::string key_of(question_kind kind, const std::string& text) {
    return (kind == question_kind::addresses ? 'a' : 'n') + text;
}

/// When the file was last changed, in nanoseconds; 0: it is not there.
std::int64_t changed_at(const std::string& file) noexcept {
    struct stat known{};
    if (::stat(file.c_str(), &known) != 0) return 0;
    return std::int64_t{known.st_mtim.tv_sec} * 1'000'000'000 + known.st_mtim.tv_nsec;
}

int family_of(net::address_family family) noexcept {
    switch (family) {
        case net::address_family::v4: return AF_INET;
        case net::address_family::v6: return AF_INET6;
        default: return AF_UNSPEC;
    }
}

void require(bool holds, const char* sentence) {
    if (!holds) throw std::invalid_argument(sentence);
}

}  // namespace

std::string attempt_to_wait(const descriptor_state& state) { return "wait for " + state.name(); }

dns_settings::dns_settings(const net::resolver_options& options)
    : servers(options.servers.begin(), options.servers.end()),
      search(options.search.begin(), options.search.end()),
      configuration(options.configuration),
      timeout(options.timeout),
      tries(options.tries),
      ndots(options.ndots),
      cache_size(options.cache_size),
      longest_ttl(options.longest_ttl),
      negative_ttl(options.negative_ttl),
      through(options.through),
      family(options.family),
      sorted(options.sorted) {
    require(timeout.count() >= 0 && timeout <= std::chrono::hours(1), "resolver_options::timeout is 0 to an hour");
    require(tries >= 0 && tries <= 100, "resolver_options::tries is 0 to 100");
    require(ndots <= 15, "resolver_options::ndots is at most 15");
    require(longest_ttl.count() >= 0 && longest_ttl <= std::chrono::hours(24 * 7),
        "resolver_options::longest_ttl is 0 to a week");
    require(negative_ttl.count() >= 0 && negative_ttl <= std::chrono::hours(24),
        "resolver_options::negative_ttl is 0 to a day");
}

// ---- a round: one visit to c-ares, and what follows from it

class dns_engine::round {
public:
    explicit round(dns_engine& of) : engine_(of), lock_(of.mutex_) {}
    ~round() {
        std::vector<dns_question_ptr> answered = std::move(engine_.answered_);
        std::vector<std::pair<dns_lease, dns_way>> to_serve = std::move(engine_.to_serve_);
        engine_.answered_.clear();
        engine_.to_serve_.clear();
        bool keep = false;
        std::optional<cancellation_source> rearm = look_at_deadline(keep);
        const bool no_memory = std::exchange(engine_.no_memory_, false);
        lock_.unlock();
        if (rearm) rearm->cancel();
        for (dns_question_ptr& each : answered) each->source.try_set_result(std::move(each->answer));
        if (keep || !to_serve.empty()) start_tasks(std::move(to_serve), keep);
        if (no_memory) engine_.give_up(std::make_exception_ptr(std::bad_alloc()));
    }
    round(const round&) = delete;
    round& operator=(const round&) = delete;

private:
    /// @param start  set when nobody waits for the next deadline. @returns what wakes the one who waits for a wrong one
    std::optional<cancellation_source> look_at_deadline(bool& start) {
        std::chrono::milliseconds left{0};
        const bool needed = engine_.next_deadline(left);
        if (!engine_.deadline_kept_) {
            start = engine_.deadline_kept_ = needed;
            return std::nullopt;
        }
        const time_point deadline = engine_.home_->time().now() + left;
        if (needed && deadline + std::chrono::milliseconds(1) >= engine_.deadline_) return std::nullopt;
        return engine_.stop_deadline_;
    }
    void start_tasks(std::vector<std::pair<dns_lease, dns_way>> to_serve, bool keep) noexcept {
        try {
            // These tasks are the engine's runtime's and nobody else's: not the asker's, nor do its async-local values come along.
            const home_scope home(engine_.home_->pool());
            std::optional<execution_context::flow_guard> alone;
            if (!execution_context::is_flow_suppressed()) alone.emplace(execution_context::suppress_flow());
            for (auto& [socket, way] : to_serve)
                static_cast<void>(serve(engine_.shared_from_this(), std::move(socket), way));
            if (keep) static_cast<void>(keep_deadlines(engine_.shared_from_this()));
        } catch (...) {
            if (keep) {
                const std::lock_guard guard(engine_.mutex_);
                engine_.deadline_kept_ = false;
            }
            // c-ares closes its sockets when it has no questions left, so that it does not matter who was to serve them.
            engine_.give_up(std::current_exception());
        }
    }

    dns_engine& engine_;
    std::unique_lock<std::mutex> lock_;
};

// ---- the channel

// The sockets are ours, so that they are closed when the driver no longer uses them.
const ares_socket_functions dns_engine::socket_functions = {
    [](int family, int type, int protocol, void*) {
        return ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    },
    &dns_engine::close_socket,
    [](int fd, const sockaddr* address, ares_socklen_t size, void*) { return ::connect(fd, address, size); },
    [](int fd, void* buffer, std::size_t size, int flags, sockaddr* from, ares_socklen_t* from_size, void*) {
        return static_cast<ares_ssize_t>(::recvfrom(fd, buffer, size, flags, from, from_size));
    },
    [](int fd, const iovec* parts, int count, void*) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = static_cast<std::size_t>(count);
        return static_cast<ares_ssize_t>(::sendmsg(fd, &message, MSG_NOSIGNAL));
    },
};

dns_engine::dns_engine(const net::resolver_options& options)
    : settings_(options), home_(&runtime::current()), cache_(settings_.cache_size) {
    if (settings_.through == net::resolve_through::system) return;
    driver_ = &current_io_driver();  // in a simulated network one that answers by itself
    require_ares();
}

dns_engine::~dns_engine() { close_channel(); }

void dns_engine::open_channel() {
    ares_options wanted{};
    int given = ARES_OPT_SOCK_STATE_CB;
    wanted.sock_state_cb = &on_interest;
    wanted.sock_state_cb_data = this;
    std::vector<char*> domains;
    domains.reserve(settings_.search.size());
    for (const std::string& each : settings_.search) domains.push_back(const_cast<char*>(each.c_str()));
    if (!domains.empty()) {
        given |= ARES_OPT_DOMAINS;
        wanted.domains = domains.data();
        wanted.ndomains = static_cast<int>(domains.size());
    }
    if (settings_.timeout.count() > 0)
        given |= ARES_OPT_TIMEOUTMS, wanted.timeout = static_cast<int>(settings_.timeout.count());
    if (settings_.tries > 0) given |= ARES_OPT_TRIES, wanted.tries = settings_.tries;
    if (settings_.ndots >= 0) given |= ARES_OPT_NDOTS, wanted.ndots = settings_.ndots;
    std::string file = settings_.configuration;
    if (!file.empty()) given |= ARES_OPT_RESOLVCONF, wanted.resolvconf_path = file.data();
    configured_ = changed_at(file.empty() ? "/etc/resolv.conf" : file);
    if (const int status = ::ares_init_options(&channel_, &wanted, given); status != ARES_SUCCESS) {
        channel_ = nullptr;
        throw std::runtime_error(std::string("starting the resolver failed: ") + ::ares_strerror(status));
    }
    ::ares_set_socket_functions(channel_, &socket_functions, this);
    apply_servers();
}

void dns_engine::apply_servers() {
    if (settings_.servers.empty()) return;
    std::vector<ares_addr_port_node> list(settings_.servers.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
        const net::endpoint& server = settings_.servers[i];
        list[i].next = i + 1 < list.size() ? &list[i + 1] : nullptr;
        list[i].family = server.is_v6() ? AF_INET6 : AF_INET;
        std::memcpy(&list[i].addr, server.bytes().data(), server.is_v6() ? 16 : 4);
        list[i].udp_port = list[i].tcp_port = server.port();
    }
    if (const int status = ::ares_set_servers_ports(channel_, list.data()); status != ARES_SUCCESS)
        throw std::runtime_error(std::string("naming the name servers failed: ") + ::ares_strerror(status));
}

void dns_engine::close_channel() noexcept {
    if (channel_ != nullptr) ::ares_destroy(channel_);
    channel_ = nullptr;
}

// A laptop that changes its network gets another resolv.conf; c-ares reads it only once.
void dns_engine::reopen_if_configured_anew() {
    if (channel_ != nullptr && under_way_.empty()) {
        const std::string& file = settings_.configuration;
        if (changed_at(file.empty() ? "/etc/resolv.conf" : file) != configured_) close_channel();
    }
    if (channel_ == nullptr) open_channel();
}

// ---- asking

/// Counts an asker of a question in and out.
class dns_engine::asker {
public:
    asker(dns_engine& engine, dns_question_ptr asked) noexcept : engine_(engine), asked_(std::move(asked)) {}
    ~asker() { engine_.leave(asked_); }
    asker(const asker&) = delete;
    asker& operator=(const asker&) = delete;

private:
    dns_engine& engine_;
    dns_question_ptr asked_;
};

task<dns_answer_ptr> dns_engine::ask(
    std::shared_ptr<dns_engine> self, question_kind kind, std::string text, cancellation_token token) {
    token.throw_if_cancellation_requested();
    dns_answer_ptr known;
    dns_question_ptr asked = self->join(kind, text, known);
    if (asked == nullptr) co_return known;
    const asker counted(*self, asked);
    task<dns_answer_ptr> pending = asked->source.task();
    co_return co_await pending.wait_async(std::move(token)).configure_await(false);
}

dns_question_ptr dns_engine::join(question_kind kind, const std::string& text, dns_answer_ptr& known) {
    const std::string key = key_of(kind, text);
    const round visit(*this);
    known = cache_.find(key, home_->time().now());
    if (known != nullptr) {
        ++statistics_.cached;
        return nullptr;
    }
    dns_question_ptr asked;
    if (const auto same = under_way_.find(key); same != under_way_.end()) {
        ++statistics_.shared;
        asked = same->second;
    } else {
        reopen_if_configured_anew();
        asked = std::make_shared<dns_question>(*this, kind, text);
        under_way_.emplace(key, asked);
        ++statistics_.asked;
        start(*asked);
    }
    ++asked->waiting;
    ++waiting_;
    return asked;
}

void dns_engine::start(dns_question& asked) {
    if (asked.kind == question_kind::addresses) {
        ares_addrinfo_hints wanted{};
        wanted.ai_family = family_of(settings_.family);
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags = settings_.sorted ? 0 : ARES_AI_NOSORT;
        ::ares_getaddrinfo(channel_, asked.text.c_str(), nullptr, &wanted, &on_addresses, &asked);
        return;
    }
    const std::optional<net::endpoint> about = net::endpoint::try_from_address(asked.text, 0);
    const bool v6 = about->is_v6();
    ::ares_gethostbyaddr(channel_, about->bytes().data(), v6 ? 16 : 4, v6 ? AF_INET6 : AF_INET, &on_name, &asked);
}

void dns_engine::leave(const dns_question_ptr& asked) noexcept {
    const round visit(*this);
    --asked->waiting;
    if (--waiting_ == 0 && !under_way_.empty()) static_cast<void>(drop_all());
}

// Under the lock. c-ares calls back for each question; they are kept until it has.
dns_engine::questions dns_engine::drop_all() noexcept {
    questions dropped = std::exchange(under_way_, {});
    dropping_ = true;
    if (channel_ != nullptr) ::ares_cancel(channel_);
    dropping_ = false;
    return dropped;
}

void dns_engine::give_up(std::exception_ptr error) noexcept {
    questions left;
    {
        const std::lock_guard guard(mutex_);
        left = drop_all();
    }
    for (auto& [key, asked] : left) {
        if (error == nullptr) asked->source.try_set_canceled();
        else asked->source.try_set_exception(error);
    }
}

void dns_engine::clear_cache() noexcept {
    const std::lock_guard guard(mutex_);
    cache_.clear();
}

net::resolver_statistics dns_engine::statistics() const noexcept {
    const std::lock_guard guard(mutex_);
    net::resolver_statistics result = statistics_;
    result.kept = cache_.size();
    return result;
}

// ---- answers

void dns_engine::on_addresses(void* argument, int status, int timeouts, ares_addrinfo* found) noexcept {
    auto& asked = *static_cast<dns_question*>(argument);
    const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> freed(found, &::ares_freeaddrinfo);
    asked.engine.guarded([&] { asked.engine.take_addresses(asked, status, timeouts, found); });
}

void dns_engine::take_addresses(dns_question& asked, int status, int timeouts, const ares_addrinfo* found) {
    dns_answer answer;
    int ttl = std::numeric_limits<int>::max();
    if (found != nullptr) {
        for (const ares_addrinfo_node* at = found->nodes; at != nullptr; at = at->ai_next) {
            net::endpoint known;
            if (!endpoint_from(at->ai_addr, known)) continue;
            known = net::endpoint::from_bytes(known.is_v6(), known.bytes().data(), 0, known.scope());
            ttl = std::min(ttl, at->ai_ttl);
            if (std::ranges::find(answer.addresses, known) == answer.addresses.end()) answer.addresses.push_back(known);
        }
        for (const ares_addrinfo_cname* at = found->cnames; at != nullptr; at = at->next) ttl = std::min(ttl, at->ttl);
    }
    if (status == ARES_SUCCESS && answer.addresses.empty()) status = ARES_ENODATA;
    // Asked for both families, and one of them was not answered in time: good for now, but not for an hour.
    const auto v6 = std::ranges::count_if(answer.addresses, [](const net::endpoint& each) { return each.is_v6(); });
    const bool one_family = v6 == 0 || v6 == std::ssize(answer.addresses);
    const auto brief = static_cast<int>(settings_.negative_ttl.count());
    if (timeouts > 0 && one_family && settings_.family == net::address_family::any) ttl = std::min(ttl, brief);
    end(asked, status, std::move(answer), std::chrono::seconds(std::max(ttl, 0)));
}

void dns_engine::on_name(void* argument, int status, int, hostent* found) noexcept {
    auto& asked = *static_cast<dns_question*>(argument);
    asked.engine.guarded([&] {
        dns_answer answer;
        if (status == ARES_SUCCESS && found != nullptr && found->h_name != nullptr) answer.name = found->h_name;
        else if (status == ARES_SUCCESS) status = ARES_ENOTFOUND;
        asked.engine.end(asked, status, std::move(answer), std::chrono::seconds(0));
    });
}

// A call-back of c-ares cannot fail. When there is no memory for what it found out, the round ends with bad_alloc for all who ask.
template <class F>
void dns_engine::guarded(F body) noexcept {
    try {
        body();
    } catch (const std::bad_alloc&) {
        no_memory_ = true;
    }
}

// Under the lock. The question leaves the engine; who asked it is told at the end of the round. When it throws, nothing has changed.
void dns_engine::end(dns_question& asked, int status, dns_answer answer, std::chrono::seconds ttl) {
    if (dropping_) return;  // nobody waits
    const std::string key = key_of(asked.kind, asked.text);
    const auto found = under_way_.find(key);
    if (found == under_way_.end()) return;
    const dns_question_ptr held = found->second;
    if (status == ARES_ECANCELLED || status == ARES_EDESTRUCTION) {
        under_way_.erase(found);
        return;
    }
    answer.error = error_of(status);
    if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
        ttl = held->kind == question_kind::addresses ? settings_.negative_ttl : std::chrono::seconds(0);
    } else if (status != ARES_SUCCESS) {
        ttl = std::chrono::seconds(0);
    }
    ttl = std::min(ttl, settings_.longest_ttl);
    held->answer = std::make_shared<const dns_answer>(std::move(answer));
    if (ttl.count() > 0) cache_.keep(key, held->answer, home_->time().now() + ttl);
    answered_.push_back(held);
    under_way_.erase(found);
}

// ---- sockets and deadlines

void dns_engine::on_interest(void* argument, int fd, int readable, int writable) noexcept {
    auto& self = *static_cast<dns_engine*>(argument);
    self.guarded([&] { self.note_interest(fd, readable != 0, writable != 0); });
}

void dns_engine::note_interest(int fd, bool readable, bool writable) {
    auto found = sockets_.find(fd);
    if (found == sockets_.end()) {
        if (!readable && !writable) return;
        to_serve_.reserve(to_serve_.size() + 2);
        found = sockets_.emplace(fd, nullptr).first;
        try {
            found->second = new dns_socket(*driver_, fd);
        } catch (...) {
            sockets_.erase(found);
            throw;
        }
    }
    dns_socket& socket = *found->second;
    const bool wanted[2] = {readable, writable};
    for (const dns_way way : {dns_way::read, dns_way::write}) {
        const auto index = static_cast<unsigned>(way);
        socket.wanted[index] = wanted[index];
        if (!wanted[index] || socket.served[index]) continue;
        to_serve_.emplace_back(dns_lease(socket), way);
        socket.served[index] = true;
    }
}

int dns_engine::close_socket(int fd, void* argument) noexcept {
    auto& self = *static_cast<dns_engine*>(argument);
    const auto found = self.sockets_.find(fd);
    if (found == self.sockets_.end()) return ::close(fd);  // one that only asked the kernel for a route
    dns_socket* const socket = found->second;
    self.sockets_.erase(found);
    socket->wanted[0] = socket->wanted[1] = false;
    const cancellation_source stop = socket->stop;
    // In this order: who begins to wait in between learns of the cancellation, not of a socket that is gone.
    cancellation_source(stop).cancel();
    socket->abandon();
    return 0;
}

void dns_engine::process(int read_fd, int write_fd) {
    const round visit(*this);
    if (channel_ != nullptr) ::ares_process_fd(channel_, read_fd, write_fd);
}

// Waits for one socket's readiness, again and again, as long as c-ares is interested.
task<> dns_engine::serve(std::shared_ptr<dns_engine> self, dns_lease socket, dns_way way) {
    const auto index = static_cast<unsigned>(way);
    const unsigned events = way == dns_way::read ? POLLIN : POLLOUT;
    const cancellation_token stop = socket->stop.token();
    for (;;) {
        {
            const std::lock_guard guard(self->mutex_);
            if (!socket->wanted[index]) {
                socket->served[index] = false;
                co_return;
            }
        }
        try {
            io_request request(&*socket, nullptr, 0, stop, events);
            static_cast<void>(co_await dns_wait(std::move(request)).configure_await(false));
        } catch (const operation_canceled&) {
            // The socket is closed; or the runtime ends, and nobody would be answered any more.
            if (!stop.is_cancellation_requested()) self->give_up();
            co_return;
        } catch (const io_error&) {
            // c-ares finds the error itself.
        } catch (const std::bad_alloc&) {
            self->give_up(std::current_exception());
            co_return;
        }
        const int fd = socket->fd();
        self->process(way == dns_way::read ? fd : ARES_SOCKET_BAD, way == dns_way::write ? fd : ARES_SOCKET_BAD);
    }
}

bool dns_engine::next_deadline(std::chrono::milliseconds& left) noexcept {
    timeval longest{};
    if (channel_ == nullptr || under_way_.empty()) return false;
    const timeval* const found = ::ares_timeout(channel_, nullptr, &longest);
    if (found == nullptr) return false;
    left = std::chrono::seconds(found->tv_sec) + std::chrono::milliseconds(found->tv_usec / 1000 + 1);
    return true;
}

// The deadlines are c-ares's, and it looks at its own clock; the runtime's timer only says when to let it look.
task<> dns_engine::keep_deadlines(std::shared_ptr<dns_engine> self) {
    for (;;) {
        bool passed = true;
        try {
            std::chrono::milliseconds left{0};
            cancellation_source fresh;
            {
                const std::lock_guard guard(self->mutex_);
                if (!self->next_deadline(left)) {
                    self->deadline_kept_ = false;
                    co_return;
                }
                self->deadline_ = self->home_->time().now() + left;
                self->stop_deadline_ = fresh;
            }
            co_await delay(left, fresh.token()).configure_await(false);
        } catch (const operation_canceled&) {
            passed = false;
        } catch (const std::bad_alloc&) {
            {
                const std::lock_guard guard(self->mutex_);
                self->deadline_kept_ = false;
            }
            self->give_up(std::current_exception());
            co_return;
        }
        if (passed) self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
}

}  // namespace weft::inline WEFT_ABI::detail
