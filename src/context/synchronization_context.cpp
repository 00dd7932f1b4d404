// SPDX-License-Identifier: MIT

#include "weft/context/synchronization_context.hpp"

#include <memory>
#include <typeinfo>
#include <utility>

#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI {

namespace {

/// A callback on its way to the pool, with the async-local values of who posted it.
struct posted_callback final : work_item {
    explicit posted_callback(synchronization_context::callback function) noexcept
        : work_item(&posted_callback::execute),
          function_(std::move(function)),
          locals_(detail::capture_context(detail::this_thread_block())) {}
    posted_callback(const posted_callback&) = delete;
    posted_callback& operator=(const posted_callback&) = delete;
    ~posted_callback() { detail::release_context(locals_); }

    static void execute(work_item& item) noexcept {
        const std::unique_ptr<posted_callback> self(static_cast<posted_callback*>(&item));
        detail::thread_block& block = detail::this_thread_block();
        detail::context_map* previous = detail::retain_context(block.locals);
        detail::switch_context(block, std::exchange(self->locals_, nullptr));
        self->function_();
        detail::switch_context(block, previous);
    }

private:
    synchronization_context::callback function_;
    detail::context_map* locals_;
};

}  // namespace

void synchronization_context::post(callback function) {
    dispatcher& pool = detail::current_dispatcher();
    pool.post(*std::make_unique<posted_callback>(std::move(function)).release(), post_hint::fair);
}

void synchronization_context::visit_queued(item_visitor, void*) {}

void synchronization_context::send(callback function) { function(); }

void synchronization_context::post_item(work_item& item) {
    post([&item] { item.run(item); });
}

synchronization_context* synchronization_context::current() noexcept { return detail::this_thread_block().sync; }

void synchronization_context::set_current(synchronization_context* context) noexcept {
    detail::this_thread_block().sync = context;
}

namespace detail {

synchronization_context* capturable(synchronization_context* context) noexcept {
    if (context == nullptr || typeid(*context) == typeid(synchronization_context)) return nullptr;
    return context;
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
