// SPDX-License-Identifier: MIT

#include "weft/task/async_void.hpp"

#include <utility>

#include "weft/base/dispatcher.hpp"

namespace weft::inline WEFT_ABI::detail {

void throw_in_context(synchronization_context* context, std::exception_ptr error) noexcept {
    if (context != nullptr) {
        try {
            context->post([error] { std::rethrow_exception(error); });
            return;
        } catch (...) {
            // A context that does not take it: the error must not be lost, so it goes where there is no context.
        }
    }
    report_on_pool(std::move(error));
}

}  // namespace weft::inline WEFT_ABI::detail
