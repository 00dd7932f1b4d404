#pragma once
// src/io/fs/path_call.hpp: an operation on a name in the file system, with what its error says.
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>

#include <sys/stat.h>

#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/fs/file_info.hpp"

namespace weft::inline WEFT_ABI::fs {

/// The names and the answer stay here, not in the frame of whoever asks: the kernel has their addresses.
class path_state final : public detail::descriptor_state {
public:
    path_state(io_driver& of, const char* verb, std::string&& path, const char* joint, std::string&& target) noexcept
        : descriptor_state(of, -1), verb_(verb), joint_(joint), path_(std::move(path)), target_(std::move(target)) {
        asked.path = path_.c_str();
        asked.target = target_.c_str();
        asked.answer = &answer;
    }
    [[nodiscard]] const char* kind() const noexcept override { return "path"; }
    [[nodiscard]] std::string name() const override {
        std::string told = std::string(verb_) + " '" + path_ + "'";
        if (joint_ != nullptr) told.append(" ").append(joint_).append(" '").append(target_).append("'");
        return told;
    }

    path_request asked;
    struct statx answer{};
    std::string text;

private:
    const char* verb_;
    const char* joint_;
    std::string path_;
    std::string target_;
};

/// One call; lives in the frame that awaits carry_out().
class path_call {
public:
    /// "rename '/a' to '/b'" @throws invalid_operation  without I/O
    path_call(const char* verb, std::string path, const char* joint = nullptr, std::string target = {})
        : state_(new path_state(detail::current_io_driver(), verb, std::move(path), joint, std::move(target))),
          owner_(state_) {}

    [[nodiscard]] path_state& state() noexcept { return *state_; }
    /// @throws io_error  for a negative result
    void check(int result) const;

private:
    path_state* state_;
    detail::descriptor_owner owner_;
};

/// @returns the result or a negative errno. @throws operation_canceled
template <io_kind Kind>
task<int> carry_out(path_call& call, std::size_t length, std::uint32_t flags, cancellation_token token) {
    path_state& state = call.state();
    detail::io_request request(&state, &state.asked, length, std::move(token), flags);
    using path_operation = detail::descriptor_operation<Kind, int, &detail::attempt_on_path, true>;
    co_return co_await path_operation(std::move(request)).configure_await(false);
}

/// As carry_out(). @throws io_error, too
template <io_kind Kind>
task<> must_carry_out(path_call& call, std::size_t length, std::uint32_t flags, cancellation_token token) {
    const int result = co_await carry_out<Kind>(call, length, flags, std::move(token)).configure_await(false);
    call.check(result);
}

}  // namespace weft::inline WEFT_ABI::fs
