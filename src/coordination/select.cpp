// SPDX-License-Identifier: MIT

#include "weft/coordination/select.hpp"

#include "weft/task/detail/first_completed.hpp"

namespace weft::inline WEFT_ABI::detail {

task<std::size_t> first_alarm(std::vector<task_core*> alarms, cancellation_source stop) {
    const std::size_t index = co_await first_completed(std::move(alarms));
    stop.cancel();
    co_return index;
}

task<std::optional<std::size_t>> first_channel(const std::vector<select_part*>& parts, cancellation_source stop) {
    channel_select::parameters several(parts, stop.token());
    try {
        co_return co_await channel_select(std::move(several)).configure_await(false);
    } catch (const operation_canceled& canceled) {
        if (canceled.token() != stop.token()) throw;  // a channel's single reader began another wait
    }
    co_return std::nullopt;
}

}  // namespace weft::inline WEFT_ABI::detail
