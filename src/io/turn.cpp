// src/io/turn.cpp: see the header.
// SPDX-License-Identifier: MIT

#include "io/turn.hpp"

#include "weft/base/thread_block.hpp"
#include "weft/scheduling/driver.hpp"

namespace weft::inline WEFT_ABI::detail {

bool others_wait_at(driver_host& host) noexcept {
    const unsigned self = worker_identity::owner_of(this_thread_block(), host.target());
    return self >= host.owner_count() || host.has_work(self);
}

bool turn_is_over(const io_driver& driver) noexcept {
    constexpr unsigned turn = 32;
    constinit thread_local unsigned answers = 0;
    return ++answers % turn == 0 && driver.others_wait();
}

}  // namespace weft::inline WEFT_ABI::detail
