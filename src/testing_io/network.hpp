#pragma once
// src/testing_io/network.hpp: links between nodes and the TCP connections over them.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing_io/moment.hpp"
#include "testing_io/node_state.hpp"

namespace weft::inline WEFT_ABI::testing {

class network;
class simulation;
class datagram_descriptor;
class socket_descriptor;
struct connection;
struct span_of_time;

/// One end of a connection. It begins with connect() or in a listener's line, and goes with the connection.
struct tcp_end {
    enum class stage : std::uint8_t {
        unborn,      ///< the accepting end before the other's request has come
        connecting,  ///< the request or its answer is on the way
        open,
        dead  ///< reset, given up or refused: `error` is reported once
    };
    struct segment {
        enum class what : std::uint8_t {
            data,
            end,
            reset,  ///< sent once, so a cut link loses it
            answer  ///< a reset in answer to data, which is sent until there is an answer
        };
        what kind;
        std::string bytes;
        time_point due;
    };

    tcp_end(network& net, connection& of);

    network* net;
    connection* link;
    node_state* node = nullptr;
    net::endpoint local, remote;
    socket_descriptor* user = nullptr;    // its descriptor
    socket_descriptor* queued = nullptr;  // or the listener that it waits at
    stage at = stage::unborn;
    bool released = true;  // no descriptor, and none will come
    bool peer_ended = false;
    bool sending_ended = false;
    bool reading_ended = false;
    int error = 0;
    std::string received;
    std::size_t taken = 0;  // of `received`
    std::deque<segment> outgoing;
    std::size_t outgoing_bytes = 0;
    bool was_blocked = false;
    bool asked = false;                 // the request to connect has arrived; its answer is on the way
    int refusal = 0;                    // what it will say
    std::chrono::nanoseconds pause{0};  // until the request is repeated
    moment arrival;                     // of the first outgoing segment, of the request, or of its answer
    moment limit;                       // of patience

    [[nodiscard]] std::size_t unread() const noexcept { return received.size() - taken; }
};

/// A datagram on its way.
struct flight {
    flight(network& net, node_state& from, node_state& to);

    network* net;
    node_state* from;
    node_state* to;
    net::endpoint source, target;
    std::string bytes;
    moment arrival;
    std::list<flight>::iterator position;
};

struct connection {
    connection(network& net, std::uint64_t id);
    std::uint64_t number;
    tcp_end ends[2];
};

class network {
public:
    explicit network(simulation& world) noexcept : world_(&world) {}

    // ---- for sockets
    [[nodiscard]] simulation& world() const noexcept { return *world_; }
    /// A free port of `on`.
    [[nodiscard]] std::uint16_t take_port(node_state& on) const;
    /// 0.0.0.0 or [::].
    [[nodiscard]] static bool is_any(const net::endpoint& at) noexcept;
    /// Whether `at` is an address of `on`.
    [[nodiscard]] static bool is_own(const node_state& on, const net::endpoint& at) noexcept;
    [[nodiscard]] bool is_taken(const node_state& on, const net::endpoint& at, bool reuse_port) const noexcept;
    void add_socket(socket_descriptor& which) { sockets_.push_back(&which); }
    void remove_socket(socket_descriptor& which) { std::erase(sockets_, &which); }

    tcp_end& connect(socket_descriptor& from, const net::endpoint& local, const net::endpoint& remote);
    [[nodiscard]] bool can_receive(const tcp_end& end) const noexcept;
    [[nodiscard]] bool can_send(const tcp_end& end) const noexcept;
    /// As recv(2) and send(2); -EAGAIN: not yet.
    [[nodiscard]] int receive(tcp_end& end, void* buffer, std::size_t length);
    [[nodiscard]] int send(tcp_end& end, const void* data, std::size_t length);
    void end_sending(tcp_end& end);
    /// The descriptor goes. @param resets  SO_LINGER with no time
    void release(tcp_end& end, bool resets);
    /// The descriptor of an attempt to connect is shut down.
    void give_up_connecting(tcp_end& end);

    // ---- for sockets that send datagrams
    [[nodiscard]] bool is_taken(
        const node_state& on, const net::endpoint& at, bool reuse, const datagram_descriptor& but) const;
    void add_socket(datagram_descriptor& which) { datagram_sockets_.push_back(&which); }
    void remove_socket(datagram_descriptor& which) { std::erase(datagram_sockets_, &which); }
    /// Sends it off; it may be lost, come twice, or overtake another.
    void send_datagram(node_state& from, const net::endpoint& source, const net::endpoint& target, std::string bytes);

    // ---- for the test
    void latency(const span_of_time& range);
    void latency(unsigned a, unsigned b, const span_of_time& range);
    void links_changed();
    void crashed(node_state& which);
    void reset_between(const node_state* a, const node_state* b);
    void stop() noexcept;
    [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

    using pair = std::pair<unsigned, unsigned>;
    std::set<pair> cut;   // both orders
    std::set<pair> held;  // from, to
    std::size_t loss_one_in = 0;
    std::size_t reset_one_in = 0;
    std::size_t datagram_loss_one_in = 0;
    std::size_t datagram_copy_one_in = 0;
    std::size_t buffer = 64 * 1024;
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds(127);
    std::chrono::nanoseconds patience = std::chrono::seconds(60);

private:
    friend struct tcp_end;
    friend struct flight;
    void take_off(
        node_state& from, node_state& to, const net::endpoint& source, const net::endpoint& target, std::string bytes);
    void datagram_arrived(flight& which);
    [[nodiscard]] static tcp_end& peer_of(const tcp_end& end) noexcept;
    [[nodiscard]] std::chrono::nanoseconds travel(unsigned from, unsigned to);
    [[nodiscard]] bool is_cut(const node_state& from, const node_state& to) const noexcept;
    [[nodiscard]] bool is_blocked(const node_state& from, const node_state& to) const noexcept;
    [[nodiscard]] std::size_t room(const tcp_end& end) const noexcept;
    [[nodiscard]] node_state* host_of(const node_state& from, const net::endpoint& at) const noexcept;
    [[nodiscard]] socket_descriptor* listener_at(const node_state& on, const net::endpoint& at);

    void push(tcp_end& from, tcp_end::segment::what kind, std::string_view bytes = {});
    void pump(tcp_end& from);
    void arrived(tcp_end& from);
    void receive_segment(tcp_end& to, const tcp_end::segment& what);
    void push_reset(tcp_end& from, tcp_end::segment::what kind = tcp_end::segment::what::reset);
    void die(tcp_end& end, int error);
    void reset_both(connection& which);
    void wake(tcp_end& end);
    void request_step(tcp_end& client);
    void request_arrived(tcp_end& client, node_state& host);
    void repeat_request(tcp_end& client);
    void out_of_patience(tcp_end& end);
    void collect(connection& which);
    void step(tcp_end& end);

    simulation* world_;
    std::map<std::uint64_t, std::unique_ptr<connection>> connections_;
    std::uint64_t last_connection_ = 0;
    std::vector<datagram_descriptor*> datagram_sockets_;
    std::list<flight> flights_;
    std::vector<socket_descriptor*> sockets_;  // of all nodes, in the order in which they were made
    std::chrono::nanoseconds least_{0}, most_{0};
    std::map<pair, std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>> links_;  // lower index first
};

}  // namespace weft::inline WEFT_ABI::testing
