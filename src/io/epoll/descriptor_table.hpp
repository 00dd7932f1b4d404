#pragma once
// src/io/epoll/descriptor_table.hpp: what the epoll driver knows of each descriptor, found by its number.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "io/mailbox.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One descriptor. Registered once, edge-triggered; everything here is under `lock`.
///
/// A direction that is not `ready` has been tried and refused since its last edge, so an operation may wait in its line. System
/// calls are made under the lock: an edge that comes between a refusal and the note of it would be lost otherwise. They never wait.
struct descriptor_record {
    enum class known_as : std::uint8_t { unknown, pollable, file };

    struct direction {
        operation_list line;
        bool ready = true;
    };

    std::mutex lock;
    direction reading;
    direction writing;
    std::uint32_t generation = 0;  ///< grows with each forget(): events of an earlier use of the number are told apart
    std::uint16_t set = 0;         ///< the owner whose epoll set it is in
    known_as kind = known_as::unknown;
    bool stream =
        false;  ///< of TCP, without urgent data: what was moved short of what was asked has emptied (or filled) it
    bool stranded = false;  ///< the owner of its set was too busy to fetch its last events
    bool hung_up = false;   ///< no further edge will come: every direction stays ready
};

/// Records that stay where they are; made when first asked for, never given back.
class descriptor_table {
public:
    descriptor_table() = default;
    ~descriptor_table();
    descriptor_table(const descriptor_table&) = delete;
    descriptor_table& operator=(const descriptor_table&) = delete;

    /// Null when `fd` is not a possible number, or memory is out.
    [[nodiscard]] descriptor_record* find_or_make(int fd) noexcept;
    /// Null when it was never made.
    [[nodiscard]] descriptor_record* find(int fd) noexcept;

private:
    static constexpr unsigned page_size = 512;
    static constexpr unsigned pages = 2048;  // a million descriptors, the kernel's own limit of a process by default

    std::atomic<descriptor_record*> pages_[pages]{};
};

}  // namespace weft::inline WEFT_ABI::detail
