// SPDX-License-Identifier: MIT

#include "weft/interop/ui_context.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace {

// Longer and a user sees it; shorter and the toolkit's queue is gone through more often than needed.
constexpr auto longest_batch = std::chrono::milliseconds(4);

}  // namespace

struct ui_context::posted_callback final : work_item {
    posted_callback(ui_context& owner, callback body)
        : work_item(&posted_callback::execute),
          context(owner),
          function(std::move(body)),
          locals(detail::capture_context(detail::this_thread_block())) {}
    posted_callback(const posted_callback&) = delete;
    posted_callback& operator=(const posted_callback&) = delete;
    ~posted_callback() { detail::release_context(locals); }

    static void execute(work_item& item) noexcept {
        const std::unique_ptr<posted_callback> self(static_cast<posted_callback*>(&item));
        detail::thread_block& block = detail::this_thread_block();
        detail::context_map* previous = detail::retain_context(block.locals);
        detail::switch_context(block, std::exchange(self->locals, nullptr));
        try {
            self->function();
        } catch (...) {
            if (!self->context.on_unhandled_) std::terminate();
            self->context.on_unhandled_(std::current_exception());
        }
        detail::switch_context(block, previous);
    }

    ui_context& context;
    callback function;
    detail::context_map* locals;
};

ui_context::ui_context() : previous_(synchronization_context::current()) { synchronization_context::set_current(this); }

ui_context::~ui_context() {
    if (synchronization_context::current() == this) synchronization_context::set_current(previous_);
    // Callbacks are ours to free; other items belong to suspended operations, which their runtime owns.
    while (work_item* item = take())
        if (item->run == &posted_callback::execute) delete static_cast<posted_callback*>(item);
}

void ui_context::on_unhandled_exception(unique_function<void(std::exception_ptr)> handler) {
    on_unhandled_ = std::move(handler);
}

void ui_context::post(callback function) {
    post_item(*std::make_unique<posted_callback>(*this, std::move(function)).release());
}

void ui_context::post_item(work_item& item) {
    item.next = nullptr;
    // Woken under the lock: the loop, which may end and let this be destroyed, takes the lock before it sees the item.
    const std::lock_guard lock(mutex_);
    (tail_ == nullptr ? head_ : tail_->next) = &item;
    tail_ = &item;
    ++count_;
    if (!std::exchange(awake_, true)) wake();
}

void ui_context::visit_queued(item_visitor visit, void* argument) {
    if (!is_current_thread()) return;
    const std::lock_guard lock(mutex_);
    for (work_item* item = head_; item != nullptr; item = item->next)
        if (item->run != &posted_callback::execute) visit(*item, argument);
}

void ui_context::send(callback function) {
    if (is_current_thread()) {
        function();
        return;
    }
    task_completion_source<> ran;
    post([&] {
        try {
            function();
        } catch (...) {
            ran.set_exception(std::current_exception());
            return;
        }
        ran.set_result();
    });
    ran.task().get();
}

void ui_context::run_batch() noexcept {
    std::size_t left = 0;
    {
        const std::lock_guard lock(mutex_);
        awake_ = false;
        left = count_;
    }
    const synchronization_context_scope scope(this);
    const auto until = std::chrono::steady_clock::now() + longest_batch;
    for (; left > 0; --left) {
        work_item* const item = take();
        if (item == nullptr) return;
        item->run(*item);
        synchronization_context::set_current(this);
        if (std::chrono::steady_clock::now() >= until) break;
    }
    const std::lock_guard lock(mutex_);
    if (head_ != nullptr && !std::exchange(awake_, true)) wake();
}

work_item* ui_context::take() noexcept {
    const std::lock_guard lock(mutex_);
    work_item* item = head_;
    if (item == nullptr) return nullptr;
    head_ = item->next;
    if (head_ == nullptr) tail_ = nullptr;
    --count_;
    return item;
}

}  // namespace weft::inline WEFT_ABI
