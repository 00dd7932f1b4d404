// src/testing_io/network.cpp: what travels, and what arrives.
//
// Each end keeps what it has sent and the other has not received: data, its end, or a reset, in order. One moment, for the first of
// them, stands for the wire. A cut link stops that moment; the end then loses patience after a while. An attempt to connect uses
// the same moment twice: for the request and for the answer.
// SPDX-License-Identifier: MIT

#include "testing_io/network.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "testing_io/datagram.hpp"
#include "testing_io/simulation.hpp"
#include "testing_io/socket.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

using stage = tcp_end::stage;
using what = tcp_end::segment::what;

// As Linux: what was lost is sent again after that, and an unanswered request to connect after a second, two, four...
constexpr auto retransmission = std::chrono::milliseconds(200);
constexpr std::chrono::nanoseconds first_repetition = std::chrono::seconds(1);

bool same_address(const net::endpoint& a, const net::endpoint& b) noexcept {
    return a.is_v6() == b.is_v6() && a.bytes() == b.bytes();
}

bool is_loopback(const net::endpoint& at) noexcept {
    return at.is_v6() ? same_address(at, net::endpoint::loopback_v6()) : at.bytes()[0] == 127;
}

}  // namespace

tcp_end::tcp_end(network& of, connection& in)
    : net(&of),
      link(&in),
      arrival(
          of.world().clock(),
          [](void* self) {
              auto& end = *static_cast<tcp_end*>(self);
              end.net->step(end);
          },
          this),
      limit(
          of.world().clock(),
          [](void* self) {
              auto& end = *static_cast<tcp_end*>(self);
              end.net->out_of_patience(end);
          },
          this) {}

connection::connection(network& net, std::uint64_t id) : number(id), ends{{net, *this}, {net, *this}} {}

// ---- addresses

bool network::is_any(const net::endpoint& at) noexcept {
    return std::ranges::all_of(at.bytes(), [](std::uint8_t byte) { return byte == 0; });
}

bool network::is_own(const node_state& on, const net::endpoint& at) noexcept {
    return is_any(at) || is_loopback(at) || same_address(at, on.address);
}

bool network::is_taken(const node_state& on, const net::endpoint& at, bool reuse_port) const noexcept {
    return std::ranges::any_of(sockets_, [&](const socket_descriptor* other) {
        if (&other->node() != &on || other->is_lost() || !other->is_listening() || other->local().port() != at.port())
            return false;
        if (reuse_port && other->shares_port()) return false;
        return at.is_v6() == other->local().is_v6() &&
            (is_any(at) || is_any(other->local()) || same_address(at, other->local()));
    });
}

std::uint16_t network::take_port(node_state& on) const {
    for (;;) {
        const std::uint16_t port = on.next_port;
        on.next_port = port == 65535 ? std::uint16_t{49152} : static_cast<std::uint16_t>(port + 1);
        const auto has_port = [&](const auto* other) { return &other->node() == &on && other->local().port() == port; };
        const bool used = std::ranges::any_of(sockets_, has_port) || std::ranges::any_of(datagram_sockets_, has_port);
        if (!used) return port;
    }
}

node_state* network::host_of(const node_state& from, const net::endpoint& at) const noexcept {
    for (const auto& each : world_->nodes()) {
        if (is_loopback(at) || is_any(at) ? each.get() == &from : same_address(each->address, at)) return each.get();
    }
    return nullptr;
}

socket_descriptor* network::listener_at(const node_state& on, const net::endpoint& at) {
    std::vector<socket_descriptor*> found;
    for (socket_descriptor* each : sockets_) {
        if (&each->node() != &on || each->is_lost() || !each->is_listening() || each->local().port() != at.port()) continue;
        if (each->local().is_v6() != at.is_v6()) continue;
        if (is_any(at) || is_any(each->local()) || same_address(at, each->local())) found.push_back(each);
    }
    // Several share a port: the kernel spreads clients over them.
    return found.empty() ? nullptr : found[world_->choose("net.listener", found.size())];
}

// ---- links

void network::latency(const span_of_time& range) {
    least_ = range.least;
    most_ = range.most;
    links_.clear();
}

void network::latency(unsigned a, unsigned b, const span_of_time& range) {
    links_[std::minmax(a, b)] = {range.least, range.most};
}

std::chrono::nanoseconds network::travel(unsigned from, unsigned to) {
    const auto known = links_.find(std::minmax(from, to));
    const span_of_time range =
        known == links_.end() ? span_of_time{least_, most_} : span_of_time{known->second.first, known->second.second};
    return world_->duration("net.latency", range);
}

bool network::is_cut(const node_state& from, const node_state& to) const noexcept {
    if (&from == &to) return false;
    return from.isolated || to.isolated || !to.up || cut.contains({from.index, to.index});
}

bool network::is_blocked(const node_state& from, const node_state& to) const noexcept {
    return is_cut(from, to) || held.contains({from.index, to.index});
}

void network::links_changed() {
    std::vector<std::uint64_t> numbers;
    numbers.reserve(connections_.size());
    for (const auto& [number, known] : connections_) numbers.push_back(number);
    // Datagrams that were kept back.
    for (flight& each : flights_) {
        if (!each.arrival.is_armed()) each.arrival.at(world_->now());
    }
    for (const std::uint64_t number : numbers) {
        const auto found = connections_.find(number);
        if (found == connections_.end()) continue;
        for (tcp_end& end : found->second->ends) {
            if (end.at != stage::connecting) pump(end);
        }
        collect(*found->second);
    }
}

// ---- an attempt to connect

tcp_end& network::connect(socket_descriptor& from, const net::endpoint& local, const net::endpoint& remote) {
    const std::uint64_t number = ++last_connection_;
    connection& made = *connections_.emplace(number, std::make_unique<connection>(*this, number)).first->second;
    tcp_end& client = made.ends[0];
    client.node = &from.node();
    client.local = local;
    client.remote = remote;
    client.user = &from;
    client.released = false;
    client.at = stage::connecting;
    const node_state* host = host_of(*client.node, remote);
    client.arrival.at(
        world_->now() + (host == nullptr ? std::chrono::nanoseconds(0) : travel(client.node->index, host->index)));
    client.limit.at(world_->now() + connect_timeout);
    return client;
}

void network::step(tcp_end& end) {
    if (end.at == stage::connecting) request_step(end);
    else arrived(end);
}

void network::request_step(tcp_end& client) {
    node_state* host = host_of(*client.node, client.remote);
    if (host == nullptr) {
        die(client, EHOSTUNREACH);
    } else if (!client.asked) {
        if (is_blocked(*client.node, *host)) repeat_request(client);
        else request_arrived(client, *host);
    } else if (is_blocked(*host, *client.node)) {
        repeat_request(client);
    } else if (client.refusal != 0) {
        die(client, client.refusal);
    } else {
        client.limit.stop();
        client.at = stage::open;
        wake(client);
        pump(client);
    }
}

void network::request_arrived(tcp_end& client, node_state& host) {
    socket_descriptor* listener = listener_at(host, client.remote);
    if (listener != nullptr && listener->line_is_full()) {
        repeat_request(client);
        return;
    }
    client.asked = true;
    client.arrival.at(world_->now() + travel(host.index, client.node->index));
    if (listener == nullptr) {
        client.refusal = ECONNREFUSED;
        return;
    }
    tcp_end& server = peer_of(client);
    server.node = &host;
    server.local = client.remote;
    server.remote = client.local;
    server.at = stage::open;
    server.released = false;
    server.queued = listener;
    listener->enqueue(server);
    world_->serve(*listener);
}

void network::repeat_request(tcp_end& client) {
    client.pause = client.pause == client.pause.zero() ? first_repetition : client.pause * 2;
    client.arrival.at(world_->now() + client.pause);
}

void network::give_up_connecting(tcp_end& end) {
    const bool asked = end.asked && end.refusal == 0;
    die(end, ECONNABORTED);
    if (asked) push_reset(end);
}

// ---- sending and receiving

tcp_end& network::peer_of(const tcp_end& end) noexcept { return end.link->ends[&end == &end.link->ends[0] ? 1 : 0]; }

std::size_t network::room(const tcp_end& end) const noexcept {
    const std::size_t used = end.outgoing_bytes + peer_of(end).unread();
    return used < buffer ? buffer - used : 0;
}

bool network::can_receive(const tcp_end& end) const noexcept {
    if (end.at == stage::connecting) return false;
    return end.unread() != 0 || end.peer_ended || end.reading_ended || end.at == stage::dead;
}

bool network::can_send(const tcp_end& end) const noexcept {
    if (end.at == stage::connecting) return false;
    return end.at == stage::dead || end.sending_ended || room(end) != 0;
}

// What came before a reset is read first; then the reset is told once, to a reader or a writer; then the stream is over.
int network::receive(tcp_end& end, void* buffer_of_user, std::size_t length) {
    if (end.unread() != 0) {
        const std::size_t count = world_->shorten_read(std::min(length, end.unread()));
        std::memcpy(buffer_of_user, end.received.data() + end.taken, count);
        end.taken += count;
        if (end.unread() == 0) {
            end.received.clear();
            end.taken = 0;
        }
        wake(peer_of(end));
        return static_cast<int>(count);
    }
    if (end.peer_ended) return 0;
    if (end.error != 0) return -std::exchange(end.error, 0);
    return end.reading_ended || end.at == stage::dead ? 0 : -EAGAIN;
}

int network::send(tcp_end& end, const void* data, std::size_t length) {
    if (end.at == stage::connecting) return -EAGAIN;
    if (end.error != 0) return -std::exchange(end.error, 0);
    if (end.at == stage::dead || end.sending_ended) return -EPIPE;
    if (length == 0) return 0;
    const std::size_t most = std::min(length, room(end));
    if (most == 0) return -EAGAIN;
    const std::size_t count = world_->shorten_write(most);
    push(end, what::data, std::string_view(static_cast<const char*>(data), count));
    return static_cast<int>(count);
}

void network::end_sending(tcp_end& end) {
    if (end.at != stage::open || end.sending_ended) return;
    end.sending_ended = true;
    push(end, what::end);
}

void network::push(tcp_end& from, what kind, std::string_view bytes) {
    time_point due = world_->now() + travel(from.node->index, peer_of(from).node->index);
    if (world_->goes_wrong("net.loss", loss_one_in)) due += retransmission;
    // In order: nothing overtakes what was sent before.
    if (!from.outgoing.empty()) due = std::max(due, from.outgoing.back().due);
    from.outgoing.push_back({kind, std::string(bytes), due});
    from.outgoing_bytes += bytes.size();
    pump(from);
}

// Over a cut link a reset is lost, and the other side finds out by itself. One that answers data is not: the other side sends
// the data again, until it is answered or has lost patience.
void network::push_reset(tcp_end& from, what kind) {
    if (from.node->up && (kind == what::answer || !is_cut(*from.node, *peer_of(from).node))) push(from, kind);
}

void network::pump(tcp_end& from) {
    if (from.outgoing.empty()) {
        from.arrival.stop();
        from.limit.stop();
        from.was_blocked = false;
        return;
    }
    const node_state& target = *peer_of(from).node;
    if (is_blocked(*from.node, target)) {
        from.arrival.stop();
        from.was_blocked = true;
        if (!is_cut(*from.node, target)) {
            from.limit.stop();
        } else if (from.at == stage::dead && from.outgoing.back().kind != what::answer) {
            from.outgoing.clear();
            from.outgoing_bytes = 0;
        } else if (!from.limit.is_armed()) {
            from.limit.at(world_->now() + patience);
        }
        return;
    }
    from.limit.stop();
    tcp_end::segment& first = from.outgoing.front();
    if (std::exchange(from.was_blocked, false))
        first.due = std::max(first.due, world_->now() + travel(from.node->index, target.index));
    if (!from.arrival.is_armed()) from.arrival.at(std::max(first.due, world_->now()));
}

void network::arrived(tcp_end& from) {
    connection& both = *from.link;
    if (!from.outgoing.empty()) {
        const tcp_end::segment first = std::move(from.outgoing.front());
        from.outgoing.pop_front();
        from.outgoing_bytes -= first.bytes.size();
        // One out of one would leave no connection that says anything; the plain case, 0, is that nothing happens.
        if (reset_one_in > 1 && world_->goes_wrong("net.reset", reset_one_in)) reset_both(both);
        else receive_segment(peer_of(from), first);
        pump(from);
    }
    collect(both);
}

void network::receive_segment(tcp_end& to, const tcp_end::segment& segment) {
    // What comes before the answer to a request to connect is that answer.
    if (to.at == stage::connecting && to.asked) {
        to.arrival.stop();
        to.limit.stop();
        to.at = stage::open;
        wake(to);
    }
    switch (segment.kind) {
        case what::reset:
        case what::answer:
            // Linux: a side that has seen the other's end can only fail to write.
            if (to.at == stage::open) die(to, to.peer_ended ? EPIPE : ECONNRESET);
            break;
        case what::data:
            if (to.released || to.at == stage::dead) {
                push_reset(to, what::answer);
                break;
            }
            to.received += segment.bytes;
            wake(to);
            break;
        case what::end:
            to.peer_ended = true;
            wake(to);
            break;
    }
}

// ---- the end of it

void network::wake(tcp_end& end) {
    if (end.user != nullptr) world_->serve(*end.user);
}

void network::die(tcp_end& end, int error) {
    if (end.at == stage::dead) return;
    end.at = stage::dead;
    end.error = error;
    end.outgoing.clear();
    end.outgoing_bytes = 0;
    end.arrival.stop();
    end.limit.stop();
    wake(end);
}

void network::out_of_patience(tcp_end& end) {
    connection& both = *end.link;
    if (end.at == stage::dead) {
        // Its answer never came through.
        end.outgoing.clear();
        end.outgoing_bytes = 0;
        die(peer_of(end), ETIMEDOUT);
    } else {
        die(end, ETIMEDOUT);
    }
    collect(both);
}

void network::release(tcp_end& end, bool resets) {
    connection& both = *end.link;
    const bool unread = end.unread() != 0;
    const stage before = end.at;
    end.user = end.queued = nullptr;
    end.released = true;
    end.received.clear();
    end.taken = 0;
    if (before == stage::connecting) {
        give_up_connecting(end);
    } else if (before == stage::open && (resets || unread)) {
        // What was sent before is still on its way.
        end.at = stage::dead;
        push_reset(end);
    } else if (before == stage::open) {
        end_sending(end);
    }
    if (peer_of(end).node != nullptr) wake(peer_of(end));
    collect(both);
}

void network::collect(connection& which) {
    if (std::ranges::all_of(which.ends, [](const tcp_end& end) { return end.released && end.outgoing.empty(); }))
        connections_.erase(which.number);
}

void network::crashed(node_state& which) {
    for (const auto& [number, both] : connections_) {
        for (tcp_end& end : both->ends) {
            if (end.node != &which) continue;
            if (end.user != nullptr) end.user->lose_end();
            if (end.queued != nullptr) end.queued->dequeue(end);
            end.user = end.queued = nullptr;
            end.released = true;
            end.received.clear();
            end.taken = 0;
            die(end, ECONNABORTED);
        }
    }
    links_changed();
}

void network::reset_both(connection& which) {
    for (tcp_end& end : which.ends) {
        if (end.at == stage::open) die(end, end.peer_ended ? EPIPE : ECONNRESET);
    }
}

void network::reset_between(const node_state* a, const node_state* b) {
    for (const auto& [number, both] : connections_) {
        const node_state* first = both->ends[0].node;
        const node_state* second = both->ends[1].node;
        const bool meant = a == nullptr || (first == a && second == b) || (first == b && second == a);
        if (meant) reset_both(*both);
    }
    links_changed();
}

void network::stop() noexcept {
    flights_.clear();
    for (const auto& [number, both] : connections_) {
        for (tcp_end& end : both->ends) {
            end.arrival.stop();
            end.limit.stop();
        }
    }
}

}  // namespace weft::inline WEFT_ABI::testing
