#pragma once
// <weft/testing_io/simulated_io.hpp>: a network and disks in memory for a deterministic scheduler; the third peer of io_uring and epoll.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <string_view>

#include "weft/base/config.hpp"
#include "weft/io/io_driver.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing_io/chooser.hpp"
#include "weft/testing_io/simulated_faults.hpp"
#include "weft/testing_io/simulated_network.hpp"
#include "weft/testing_io/simulated_node.hpp"

namespace weft::inline WEFT_ABI::testing {

/// The outside world of a deterministic_scheduler: while it lives, the tasks there do all their I/O in it. net::tcp_stream,
/// net::tcp_listener, net::resolve and fs::file work unchanged; no descriptor of the kernel is touched, and time is the
/// scheduler's.
///
///     deterministic_scheduler world(seed);
///     simulated_io io(world);
///     simulated_node server = io.node("server"), client = io.node("client");
///     io.network().latency(1ms, 20ms);
///     task<> serving = server.run(&serve, std::uint16_t{80});
///     world.run(client.run(&talk, server.at(80)));
///
/// Everything that is undetermined is chosen by the scheduler: how long a piece travels, how much a read returns, which of
/// several completions comes first, and whether a completion or the request to cancel it does. An operation ends exactly once,
/// and a result that came first wins.
///
/// Threads   the scheduler's only.
/// Lifetime  a resource; goes before its scheduler. Operations still in flight then end as canceled. Streams and files may be
///           closed or destroyed later.
class simulated_io {
public:
    /// @throws invalid_operation  when `world` has one already
    explicit simulated_io(deterministic_scheduler& world);
    /// For another dispatcher without a runtime, whose clock is virtual. `choices` must outlive this.
    simulated_io(dispatcher& home, chooser& choices);
    ~simulated_io();
    simulated_io(const simulated_io&) = delete;
    simulated_io& operator=(const simulated_io&) = delete;

    /// The node of that name, made and started when it is new.
    [[nodiscard]] simulated_node node(std::string_view name) const;
    /// The node of tasks that were started on none: "local".
    [[nodiscard]] simulated_node local() const noexcept;
    [[nodiscard]] simulated_network network() const noexcept;
    [[nodiscard]] simulated_faults faults() const noexcept;

    /// Operations in flight now.
    [[nodiscard]] std::size_t operations() const noexcept;
    /// Sockets and files that are open now.
    [[nodiscard]] std::size_t open_descriptors() const noexcept;
    /// Below sockets and files.
    [[nodiscard]] io_driver& driver() noexcept;

    /// Ends every operation as canceled and starts none any more; the destructor does it, too.
    void stop() noexcept;

private:
    std::shared_ptr<void> own_choices_;  // in front of a scheduler that is no chooser by itself
    simulation* world_;
};

}  // namespace weft::inline WEFT_ABI::testing
