// SPDX-License-Identifier: MIT

#include "weft/base/dispatcher.hpp"

#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::detail {

dispatcher& current_dispatcher() {
    dispatcher* home = this_thread_block().home;
    return home != nullptr ? *home : default_dispatcher();
}

}  // namespace weft::inline WEFT_ABI::detail
