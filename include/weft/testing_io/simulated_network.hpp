#pragma once
// <weft/testing_io/simulated_network.hpp>: the network between simulated nodes, and what may happen to it.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <string_view>

#include "weft/base/config.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/testing_io/simulated_node.hpp"

namespace weft::inline WEFT_ABI::testing {

/// TCP and UDP between the nodes of a simulated_io. At the start every link is up, takes no time and loses nothing.
///
/// There is neither multicast nor broadcast, and no Unix domain: joining and connecting are refused.
///
/// What is sent arrives in order and once, as TCP has it; loss shows as delay, and a link that stays cut as ETIMEDOUT.
///
/// A handle: copies are the same, and none outlives its simulated_io.
class simulated_network {
public:
    /// How long what is sent takes, on every link, a node's own included: somewhere between the two.
    /// @throws std::invalid_argument  unless 0 <= least <= most
    void latency(std::chrono::nanoseconds least, std::chrono::nanoseconds most) const;
    /// As latency(), for one link, both ways.
    void latency(const simulated_node& a, const simulated_node& b, std::chrono::nanoseconds least,
        std::chrono::nanoseconds most) const;
    /// About one of `one_in` pieces is lost and comes 200 ms later, and what was sent behind it too. 0: none.
    void loss(std::size_t one_in) const noexcept;

    /// Cuts the link, both ways. Connections stand still; one that has something to send dies of ETIMEDOUT after
    /// give_up_after(). Attempts to connect are repeated until connect_timeout().
    void partition(const simulated_node& a, const simulated_node& b) const;
    /// Cuts all links of a node.
    void isolate(const simulated_node& node) const;
    /// Ends a partition(). What was on its way goes on.
    void heal(const simulated_node& a, const simulated_node& b) const;
    /// Ends every partition(), isolate() and hold().
    void heal() const;
    /// Keeps back what `from` sends to `to`, for as long as it takes: no connection dies of it.
    void hold(const simulated_node& from, const simulated_node& to) const;
    /// Lets go what hold() has kept back, in order.
    void release(const simulated_node& from, const simulated_node& to) const;

    /// About one of `one_in` datagrams never comes. 0: all come, unless a link is cut. They overtake each other where latency() lets them.
    void datagram_loss(std::size_t one_in) const noexcept;
    /// About one of `one_in` datagrams comes twice. 0: none.
    void datagram_copies(std::size_t one_in) const noexcept;

    /// About one of `one_in` pieces that arrive finds its connection reset, as by reset(). 0 or 1: none.
    void resets(std::size_t one_in) const noexcept;
    /// Resets every connection between the two, as a middlebox may: ECONNRESET on both sides.
    void reset(const simulated_node& a, const simulated_node& b) const;
    /// Resets every connection there is.
    void reset_all() const;

    /// Bytes that each direction of a connection takes before a writer has to wait: 64 KiB.
    /// @throws std::invalid_argument  when it is 0
    void buffer_size(std::size_t bytes) const;
    /// How long an attempt to connect that nobody answers goes on: 127 s.
    void connect_timeout(std::chrono::nanoseconds limit) const noexcept;
    /// How long a connection tries to send over a link that is cut: 60 s.
    void give_up_after(std::chrono::nanoseconds limit) const noexcept;

    /// A further name for an address, for net::resolve(); the names of nodes and "localhost" are known.
    void add_host(std::string_view name, const net::endpoint& address) const;

    /// Connections of which an end is still held or has something to deliver; 0 when nothing was leaked.
    [[nodiscard]] std::size_t connections() const noexcept;

private:
    friend class simulated_io;
    explicit simulated_network(simulation& world) noexcept : world_(&world) {}
    simulation* world_;
};

}  // namespace weft::inline WEFT_ABI::testing
