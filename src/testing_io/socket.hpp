#pragma once
// src/testing_io/socket.hpp: a simulated socket: fresh, listening, or an end of a connection.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <deque>

#include "testing_io/descriptor.hpp"
#include "testing_io/network.hpp"

namespace weft::inline WEFT_ABI::testing {

class socket_descriptor final : public descriptor {
public:
    socket_descriptor(network& net, node_state& on) : descriptor(on), net_(&net) { net.add_socket(*this); }
    /// The accepting end of a connection.
    socket_descriptor(network& net, node_state& on, tcp_end& end);
    ~socket_descriptor() override;

    [[nodiscard]] bool keeps_order() const noexcept override { return true; }
    void begin(io_operation& operation) override;
    [[nodiscard]] bool is_ready(const io_operation& operation) const noexcept override;
    [[nodiscard]] int attempt(io_operation& operation) override;
    [[nodiscard]] int peek() override;
    [[nodiscard]] int set_option(int level, int option, const void* value, std::uint32_t size) override;
    [[nodiscard]] int bind(const net::endpoint& to) override;
    [[nodiscard]] int listen(int backlog) override;
    [[nodiscard]] int shutdown(int how) override;
    [[nodiscard]] int name_of(bool peer, net::endpoint& known) override;

    // ---- for the network
    [[nodiscard]] bool is_listening() const noexcept { return listening_; }
    [[nodiscard]] bool is_bound() const noexcept { return bound_; }
    [[nodiscard]] bool shares_port() const noexcept { return reuse_port_; }
    [[nodiscard]] const net::endpoint& local() const noexcept { return local_; }
    [[nodiscard]] bool line_is_full() const noexcept { return line_.size() > backlog_; }
    void enqueue(tcp_end& made) { line_.push_back(&made); }
    void dequeue(tcp_end& gone) { std::erase(line_, &gone); }
    /// The machine crashed, and the connection with it.
    void lose_end() noexcept { end_ = nullptr; }

private:
    [[nodiscard]] int accept();
    [[nodiscard]] unsigned events() const noexcept;
    void drop_line();

    network* net_;
    net::endpoint local_;
    tcp_end* end_ = nullptr;
    bool bound_ = false;
    bool reuse_port_ = false;
    bool resets_on_close_ = false;
    bool listening_ = false;
    bool line_closed_ = false;  // a listener that was shut down
    int refused_ = 0;           // why there could be no attempt to connect at all
    std::size_t backlog_ = 0;
    std::deque<tcp_end*> line_;
};

}  // namespace weft::inline WEFT_ABI::testing
