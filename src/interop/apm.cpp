// SPDX-License-Identifier: MIT

#include "weft/interop/apm.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

#include "weft/scheduling/run_blocking.hpp"

namespace weft::inline WEFT_ABI {

void async_result::when_completed(unique_function<void()> function) {
    if (is_completed()) {
        function();
        return;
    }
    detail::post_blocking([self = shared_from_this(), notify = std::move(function)]() mutable {
        self->wait();
        notify();
    });
}

namespace detail {

void throw_not_of_a_task() {
    throw std::invalid_argument("the async_result is not one that as_async_result() made for a task of this type");
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
