#pragma once
// src/testing_io/file_handle.hpp: an open simulated file.
// SPDX-License-Identifier: MIT

#include <memory>
#include <utility>

#include "testing_io/descriptor.hpp"

namespace weft::inline WEFT_ABI::testing {

class simulation;

class file_handle final : public descriptor {
public:
    /// @param file  null: a directory
    file_handle(simulation& world, node_state& on, std::shared_ptr<file_node> file, int flags) noexcept
        : descriptor(on), world_(&world), file_(std::move(file)), flags_(flags) {}

    [[nodiscard]] bool keeps_order() const noexcept override { return false; }
    [[nodiscard]] bool is_ready(const io_operation&) const noexcept override { return true; }
    [[nodiscard]] int attempt(io_operation& operation) override;
    /// A sync failed: every later one does, because nobody knows any more what is on the disk.
    void sync_failed(int error) noexcept { sync_error_ = error; }

private:
    [[nodiscard]] int read(io_operation& operation);
    [[nodiscard]] int write(io_operation& operation);

    simulation* world_;
    std::shared_ptr<file_node> file_;
    int flags_;
    std::uint64_t position_ = 0;
    int sync_error_ = 0;
};

}  // namespace weft::inline WEFT_ABI::testing
