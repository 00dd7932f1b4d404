#pragma once
// src/testing_io/descriptor.hpp: what a simulated descriptor is, whatever is behind it.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstdint>
#include <deque>

#include "testing_io/node_state.hpp"
#include "weft/io/io_operation.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::testing {

struct request;

class descriptor {
public:
    explicit descriptor(node_state& on) noexcept : node_(&on), incarnation_(on.incarnation) {}
    virtual ~descriptor() = default;
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;

    [[nodiscard]] node_state& node() const noexcept { return *node_; }
    /// Whether its machine has crashed since.
    [[nodiscard]] bool is_lost() const noexcept { return incarnation_ != node_->incarnation || !node_->up; }

    /// Whether operations of one direction end in the order in which they began.
    [[nodiscard]] virtual bool keeps_order() const noexcept = 0;
    /// Told when an operation begins.
    virtual void begin(io_operation& operation) { static_cast<void>(operation); }
    /// Whether attempt() would say anything else than "not yet".
    [[nodiscard]] virtual bool is_ready(const io_operation& operation) const noexcept = 0;
    /// Carries it out. @returns the result, or a negative errno; -EAGAIN: not yet
    [[nodiscard]] virtual int attempt(io_operation& operation) = 0;

    /// io_driver::peek().
    [[nodiscard]] virtual int peek() { return -ENOTSOCK; }
    [[nodiscard]] virtual int set_option(int, int, const void*, std::uint32_t) { return -ENOTSOCK; }
    [[nodiscard]] virtual int bind(const net::endpoint&) { return -ENOTSOCK; }
    [[nodiscard]] virtual int listen(int) { return -ENOTSOCK; }
    [[nodiscard]] virtual int shutdown(int) { return -ENOTSOCK; }
    [[nodiscard]] virtual int name_of(bool, net::endpoint&) { return -ENOTSOCK; }

    // Operations that wait, oldest first. Only the first of each is let go on.
    std::deque<request*> reading;
    std::deque<request*> writing;

private:
    node_state* node_;
    unsigned incarnation_;
};

}  // namespace weft::inline WEFT_ABI::testing
