#pragma once
// <weft/testing_io/simulated_node.hpp>: one machine of a simulated world, with its address and its files.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/testing_io/simulated_files.hpp"

namespace weft::inline WEFT_ABI::testing {

class simulation;
struct node_state;

/// A machine: an address, a file system, and the tasks that were started on it.
///
/// Which node a task runs on follows its flow of control, as an async_local does: what it starts runs there too.
///
/// A handle: copies are the same node, and none outlives its simulated_io.
class simulated_node {
public:
    /// Calls `start(args...)`, which starts a task, on this node. @returns what it returns
    template <class F, class... Args>
        requires std::invocable<F, Args...>
    auto run(F&& start, Args&&... args) const {
        const scope here(*this);
        return std::invoke(std::forward<F>(start), std::forward<Args>(args)...);
    }

    [[nodiscard]] std::string_view name() const noexcept;
    /// This node's address, "10.0.0.1" for the first, with `port`.
    [[nodiscard]] net::endpoint at(std::uint16_t port) const noexcept;
    [[nodiscard]] simulated_files files() const noexcept { return simulated_files(*node_); }

    /// Stops the machine as a power cut does: files fall back to what was synced, connections are gone without a word (the other
    /// side finds out when it sends), names are free again. What its tasks await of I/O ends as canceled, and so does
    /// everything they begin; token() is cancelled. Nothing can be started on it until restart().
    void crash() const;
    /// The machine again, with what its disk kept and no tasks. Does nothing to one that is up.
    void restart() const;
    [[nodiscard]] bool is_up() const noexcept;
    /// Cancelled by the next crash(): for waits of the node's tasks that are not I/O.
    [[nodiscard]] cancellation_token token() const;

private:
    friend class simulated_io;
    friend class simulated_network;
    /// What is started while it lives is started on the node.
    class scope {
    public:
        explicit scope(const simulated_node& node);
        ~scope();
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        const simulation* world_;
        unsigned node_ = 0, incarnation_ = 0;
    };

    simulated_node(simulation& world, node_state& node) noexcept : world_(&world), node_(&node) {}
    simulation* world_;
    node_state* node_;
};

}  // namespace weft::inline WEFT_ABI::testing
