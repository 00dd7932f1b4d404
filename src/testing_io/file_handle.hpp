#pragma once
// src/testing_io/file_handle.hpp: an open simulated file or directory.
// SPDX-License-Identifier: MIT

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing_io/descriptor.hpp"

struct iovec;
struct statx;

namespace weft::inline WEFT_ABI::testing {

class simulation;

class file_handle final : public descriptor {
public:
    file_handle(simulation& world, node_state& on, file_system::found opened, int flags) noexcept
        : descriptor(on), world_(&world), file_(std::move(opened.file)), path_(std::move(opened.path)), flags_(flags) {}

    [[nodiscard]] bool keeps_order() const noexcept override { return false; }
    [[nodiscard]] bool is_ready(const io_operation&) const noexcept override { return true; }
    [[nodiscard]] int attempt(io_operation& operation) override;
    /// A sync failed: every later one does, because nobody knows any more what is on the disk.
    void sync_failed(int error) noexcept { sync_error_ = error; }

private:
    [[nodiscard]] int read(void* buffer, std::size_t length, std::uint64_t offset);
    [[nodiscard]] int write(const void* buffer, std::size_t length, std::uint64_t offset);
    [[nodiscard]] int move_parts(const io_operation& operation);
    [[nodiscard]] int sync();
    [[nodiscard]] int resize(std::uint64_t size, bool only_up);
    [[nodiscard]] int copy_from(const io_operation& operation);
    [[nodiscard]] int list(char* buffer, std::size_t length);
    [[nodiscard]] bool reads() const noexcept;
    [[nodiscard]] bool writes() const noexcept;

    simulation* world_;
    file_pointer file_;  // null: a directory
    std::string path_;
    int flags_;
    std::uint64_t position_ = 0;
    std::vector<std::string> names_;  // of a directory, as they were when its listing began
    int sync_error_ = 0;
};

/// statx(2) of what was found.
void describe(const file_system& files, const file_system::found& what, struct statx& answer);

}  // namespace weft::inline WEFT_ABI::testing
