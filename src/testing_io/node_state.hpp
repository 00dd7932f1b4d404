#pragma once
// src/testing_io/node_state.hpp: what a simulated machine consists of.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <utility>

#include "testing_io/file_system.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::testing {

struct node_state {
    node_state(unsigned number, std::string called, const net::endpoint& known_at)
        : index(number), name(std::move(called)), address(known_at) {}

    unsigned index;
    std::string name;
    net::endpoint address;     // its port is 0
    unsigned incarnation = 1;  // one more at each start
    bool up = true;
    bool isolated = false;
    std::uint16_t next_port = 49152;
    cancellation_source stopping;
    file_system files;
};

}  // namespace weft::inline WEFT_ABI::testing
