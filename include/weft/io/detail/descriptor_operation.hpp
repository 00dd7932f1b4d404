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
[[nodiscard]] std::string attempt_to_truncate(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_allocate(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_change_mode(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_list(const descriptor_state& state);
/// Of a state that is a name and nothing else: its name() is the whole attempt.
[[nodiscard]] std::string attempt_on_path(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_stat(const descriptor_state& state);
[[nodiscard]] std::string attempt_to_await(const descriptor_state& state);

/// @tparam Kind     what is asked of the kernel
/// @tparam T        void, or what the kernel's count or descriptor becomes
/// @tparam Attempt  names it in errors
/// @tparam All      for a send: everything, not what fits now; for other kinds: errors of the system are results, too
template <io_kind Kind, class T, std::string (*Attempt)(const descriptor_state&), bool All = false>
class descriptor_operation : public operation<descriptor_operation<Kind, T, Attempt, All>, T>, private io_wait {
    static constexpr bool gives_errors = All && Kind != io_kind::send;

public:
    using parameters = io_request;
    explicit descriptor_operation(parameters&& of) noexcept : io_wait(Kind, std::move(of)) {
        if constexpr (All && !gives_errors) send_everything();
    }
    [[nodiscard]] parameters take_parameters() noexcept { return take_request(); }
    [[nodiscard]] bool await_ready() noexcept { return ready(); }
    [[nodiscard]] bool start(task_core& awaiter) noexcept { return begin(awaiter); }
    T await_resume() {
        if constexpr (Kind == io_kind::poll && std::is_void_v<T>) doubt_readiness();
        if constexpr (std::is_void_v<T>) static_cast<void>(finish(Attempt));
        else return static_cast<T>(finish(Attempt, gives_errors));
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
using read_vectored_operation = descriptor_operation<io_kind::readv, std::size_t, &attempt_to_read>;
using write_vectored_operation = descriptor_operation<io_kind::writev, std::size_t, &attempt_to_write>;
using truncate_operation = descriptor_operation<io_kind::truncate, void, &attempt_to_truncate>;
using allocate_operation = descriptor_operation<io_kind::allocate, void, &attempt_to_allocate>;
using change_mode_operation = descriptor_operation<io_kind::change_mode, void, &attempt_to_change_mode>;
using copy_range_operation = descriptor_operation<io_kind::copy_range, std::int32_t, &attempt_to_write, true>;
using read_directory_operation = descriptor_operation<io_kind::read_directory, std::size_t, &attempt_to_list>;
using stat_operation = descriptor_operation<io_kind::stat, void, &attempt_to_stat>;
/// Waits until the descriptor is ready for what the request's offset says: POLLIN, POLLOUT. Has no buffer.
using ready_operation = descriptor_operation<io_kind::poll, void, &attempt_to_await>;

static_assert(sizeof(receive_operation) <= 128, "an operation of I/O stays within 128 bytes of the awaiting frame");

}  // namespace weft::inline WEFT_ABI::detail
