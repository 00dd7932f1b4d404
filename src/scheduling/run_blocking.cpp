// Which threads a blocking call goes to.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/run_blocking.hpp"

#include <memory>
#include <utility>

#include "scheduling/pool_core.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

/// A call and the async-local values it runs under.
struct flowing_call {
    explicit flowing_call(unique_function<void()> body) noexcept
        : function(std::move(body)), locals(capture_context(this_thread_block())) {}
    flowing_call(const flowing_call&) = delete;
    flowing_call& operator=(const flowing_call&) = delete;
    ~flowing_call() { release_context(locals); }

    void run() {
        switch_context(this_thread_block(), std::exchange(locals, nullptr));
        function();
    }

    unique_function<void()> function;
    context_map* locals;
};

/// A blocking call as one step of a dispatcher without blocking threads.
struct blocking_step final : work_item {
    explicit blocking_step(unique_function<void()> body) noexcept
        : work_item(&blocking_step::execute), call(std::move(body)) {}
    static void execute(work_item& item) noexcept {
        const std::unique_ptr<blocking_step> self(static_cast<blocking_step*>(&item));
        self->call.run();
    }
    flowing_call call;
};

}  // namespace

void post_blocking(unique_function<void()> function) {
    dispatcher& home = current_dispatcher();
    if (runtime* owner = home.owner()) {
        owner->post_blocking([call = std::make_unique<flowing_call>(std::move(function))] { call->run(); });
        return;
    }
    home.post(*std::make_unique<blocking_step>(std::move(function)).release(), post_hint::fair);
}

}  // namespace weft::inline WEFT_ABI::detail
