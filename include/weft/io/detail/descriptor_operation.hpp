#pragma once
// <weft/io/detail/descriptor_operation.hpp>: one awaited request on a descriptor, of any kind and result.
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/io/detail/io_wait.hpp"
#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI::detail {

// What was attempted on what, for messages.
[[nodiscard]] std::string attempt_to_read(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_write(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_connect(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_accept(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_open(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_sync(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_stat(const descriptor_state& state);

/// @tparam Kind     what is asked of the kernel
/// @tparam T        void, or what the kernel's count or descriptor becomes
/// @tparam Attempt  names it in errors
/// @tparam All      for a send: everything, not what fits now
template <io_kind Kind, class T, std::string (*Attempt)(const descriptor_state&), bool All = false>
class descriptor_operation : public operation<descriptor_operation<Kind, T, Attempt, All>, T>, private io_wait {
public:
    using parameters = io_request;
    explicit descriptor_operation(parameters&& of) noexcept : io_wait(Kind, std::move(of)) {
        if constexpr (All) send_everything();
    }
    [[nodiscard]] parameters take_parameters() noexcept { return take_request(); }
    [[nodiscard]] bool await_ready() noexcept { return ready(); }
    [[nodiscard]] bool start(task_core& awaiter) noexcept { return begin(awaiter); }
    T await_resume() {
        if constexpr (std::is_void_v<T>) static_cast<void>(finish(Attempt));
        else return static_cast<T>(finish(Attempt));
    }
};

using receive_operation = descriptor_operation<io_kind::recv, std::size_t, &attempt_to_read>;
using send_operation = descriptor_operation<io_kind::send, void, &attempt_to_write, true>;
using send_some_operation = descriptor_operation<io_kind::send, std::size_t, &attempt_to_write>;
using connect_operation = descriptor_operation<io_kind::connect, void, &attempt_to_connect>;
using accept_operation = descriptor_operation<io_kind::accept, int, &attempt_to_accept>;
using read_operation = descriptor_operation<io_kind::read, std::size_t, &attempt_to_read>;
using write_operation = descriptor_operation<io_kind::write, std::size_t, &attempt_to_write>;
using open_operation = descriptor_operation<io_kind::open, int, &attempt_to_open>;
using sync_operation = descriptor_operation<io_kind::sync, void, &attempt_to_sync>;
using stat_operation = descriptor_operation<io_kind::stat, void, &attempt_to_stat>;

static_assert(sizeof(receive_operation) <= 128, "an operation of I/O stays within 128 bytes of the awaiting frame");

}  // namespace weft::inline WEFT_ABI::detail
