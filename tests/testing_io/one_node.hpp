#pragma once
// tests/testing_io/one_node.hpp: a world with one machine, whose disk can fail.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weft/testing_io/simulated_io.hpp"

namespace weft_test {

struct one_node {
    explicit one_node(std::uint64_t seed = 1) : world(seed), io(world), node(io.node("disk")) {}
    template <class F>
    auto run(F function) {
        return world.run(node.run(function));
    }
    [[nodiscard]] std::vector<std::string> names() const { return node.files().list(); }
    weft::testing::deterministic_scheduler world;
    weft::testing::simulated_io io;
    weft::testing::simulated_node node;
};

/// Lets time pass until a temporary file has `contents` on the disk; what is opened next, and cannot be, is the directory.
inline void refuse_the_directory(one_node& at, std::string_view contents) {
    const auto is_synced = [&] {
        for (const std::string& name : at.names()) {
            if (name.starts_with("/data/.") && at.node.files().synced_contents(name) == contents) return true;
        }
        return false;
    };
    while (!is_synced()) at.world.advance(std::chrono::milliseconds(1));
    at.io.faults().fail_next(weft::io_kind::open, EACCES);
}

}  // namespace weft_test
