#pragma once
// src/io/fs/file_state.hpp: what an open file or directory consists of, and how one is opened.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <utility>

#include "weft/io/detail/descriptor_state.hpp"
#include "weft/io/fs/file_info.hpp"

struct statx;

namespace weft::inline WEFT_ABI::fs {

class file_state final : public detail::descriptor_state {
public:
    file_state(io_driver& driver, std::string path) noexcept : descriptor_state(driver, -1), path_(std::move(path)) {}

    [[nodiscard]] const char* kind() const noexcept override { return "file"; }
    [[nodiscard]] std::string name() const override { return path_; }
    [[nodiscard]] char* path() noexcept { return path_.data(); }
    void opened(int fd) noexcept { adopt(fd); }

protected:
    [[nodiscard]] bool closes_quickly() const noexcept override { return false; }

private:
    std::string path_;
};

/// @param flags  O_…
[[nodiscard]] task<detail::descriptor_owner> open_descriptor(
    std::string path, std::uint32_t flags, permissions created, cancellation_token token);

[[nodiscard]] file_info info_from(const struct statx& answer) noexcept;

}  // namespace weft::inline WEFT_ABI::fs
