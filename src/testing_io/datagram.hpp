#pragma once
// src/testing_io/datagram.hpp: a simulated UDP socket.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include <sys/socket.h>

#include "testing_io/descriptor.hpp"
#include "testing_io/network.hpp"

namespace weft::inline WEFT_ABI::testing {

class datagram_descriptor final : public descriptor {
public:
    datagram_descriptor(network& net, node_state& on) : descriptor(on), net_(&net) { net.add_socket(*this); }
    ~datagram_descriptor() override { net_->remove_socket(*this); }

    [[nodiscard]] bool keeps_order() const noexcept override { return true; }
    [[nodiscard]] bool is_ready(const io_operation& operation) const noexcept override;
    [[nodiscard]] int attempt(io_operation& operation) override;
    [[nodiscard]] int peek() override { return waiting_.empty() ? -EAGAIN : 1; }
    [[nodiscard]] int set_option(int level, int option, const void* value, std::uint32_t size) override;
    [[nodiscard]] int bind(const net::endpoint& to) override;
    [[nodiscard]] int shutdown(int) override { return peer_ ? 0 : -ENOTCONN; }
    [[nodiscard]] int name_of(bool peer, net::endpoint& known) override;

    // ---- for the network
    [[nodiscard]] const net::endpoint& local() const noexcept { return local_; }
    [[nodiscard]] bool shares_port() const noexcept { return reuse_port_; }
    [[nodiscard]] bool takes(const net::endpoint& source, const net::endpoint& target) const noexcept;
    void arrived(const net::endpoint& source, std::string bytes);

private:
    struct datagram {
        net::endpoint source;
        std::string bytes;
    };
    [[nodiscard]] int receive(msghdr& message, unsigned flags);
    [[nodiscard]] int send(const net::endpoint* to, std::string bytes);
    [[nodiscard]] int connect(const void* address);

    network* net_;
    net::endpoint local_;
    std::optional<net::endpoint> peer_;
    bool bound_ = false;
    bool reuse_port_ = false;
    std::deque<datagram> waiting_;
    std::size_t waiting_bytes_ = 0;
};

}  // namespace weft::inline WEFT_ABI::testing
