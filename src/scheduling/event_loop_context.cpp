// The pump. Everything shared is under one mutex, and whoever wakes the pumping thread does it while holding it: the pump, which
// may end and let the loop be destroyed, takes the mutex before it can see what woke it.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/event_loop_context.hpp"

#include <memory>
#include <utility>

#include "weft/base/dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

struct event_loop_context::posted_callback final : work_item {
    posted_callback(event_loop_context& owner, callback body)
        : work_item(&posted_callback::execute),
          loop(owner),
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
            self->loop.failure_ = std::current_exception();
        }
        detail::switch_context(block, previous);
    }

    event_loop_context& loop;
    callback function;
    detail::context_map* locals;
};

/// Makes the calling thread the pumping one for a scope.
class event_loop_context::pumping {
public:
    explicit pumping(event_loop_context& loop) : loop_(loop), scope_(&loop) {
        const std::lock_guard lock(loop.mutex_);
        if (loop.depth_ > 0 && loop.pumper_ != std::this_thread::get_id())
            throw invalid_operation("another thread pumps this event_loop_context already");
        loop.pumper_ = std::this_thread::get_id();
        ++loop.depth_;
    }
    ~pumping() {
        const std::lock_guard lock(loop_.mutex_);
        if (--loop_.depth_ == 0) loop_.pumper_ = {};
    }
    pumping(const pumping&) = delete;
    pumping& operator=(const pumping&) = delete;

private:
    event_loop_context& loop_;
    synchronization_context_scope scope_;
};

event_loop_context::event_loop_context() = default;

event_loop_context::~event_loop_context() {
    // Callbacks are ours to free; other items belong to suspended operations, which their runtime owns.
    while (work_item* item = take())
        if (item->run == &posted_callback::execute) delete static_cast<posted_callback*>(item);
}

// ---- posting

void event_loop_context::post(callback function) {
    post_item(*std::make_unique<posted_callback>(*this, std::move(function)).release());
}

void event_loop_context::post_item(work_item& item) {
    item.next = nullptr;
    const std::lock_guard lock(mutex_);
    (tail_ == nullptr ? head_ : tail_->next) = &item;
    tail_ = &item;
    ++count_;
    if (sleeping_) changed_.notify_all();
}

void event_loop_context::visit_queued(item_visitor visit, void* argument) {
    const std::lock_guard lock(mutex_);
    if (depth_ == 0 || pumper_ != std::this_thread::get_id()) return;
    for (work_item* item = head_; item != nullptr; item = item->next)
        if (item->run != &posted_callback::execute) visit(*item, argument);
}

void event_loop_context::send(callback function) {
    if (is_current_thread()) {
        function();
        return;
    }
    task_completion_source<> ran;
    post([&] {
        try {
            function();
        } catch (...) {
            // Given to the sender, which must not go on before this frame is done with it.
            ran.set_exception(std::current_exception());
            return;
        }
        ran.set_result();
    });
    ran.task().get();
}

void event_loop_context::stop() noexcept {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    if (sleeping_) changed_.notify_all();
}

// ---- pumping

void event_loop_context::run() {
    const pumping scope(*this);
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(stop_, false)) return;
        }
        if (work_item* item = take()) run_one(*item);
        else wait_for_items(&stop_);
    }
}

std::size_t event_loop_context::run_pending() {
    const pumping scope(*this);
    std::size_t left = pending();
    std::size_t ran = 0;
    for (; left > 0; --left, ++ran) {
        work_item* item = take();
        if (item == nullptr) break;
        run_one(*item);
    }
    return ran;
}

void event_loop_context::pump_until(detail::task_core* core) {
    if (core == nullptr) detail::throw_empty_handle();
    const pumping scope(*this);

    struct completion : detail::continuation {
        explicit completion(event_loop_context& owner) noexcept
            : continuation(&completion::signal, detail::place_internal), loop(owner) {}
        static void signal(work_item& item) noexcept {
            auto& self = static_cast<completion&>(item);
            const std::lock_guard lock(self.loop.mutex_);
            self.completed = true;
            if (self.loop.sleeping_) self.loop.changed_.notify_all();
        }
        event_loop_context& loop;
        bool completed = false;
    } end(*this);
    if (!core->add_continuation(end)) return;

    // A callback's exception leaves through here, and `end` must not be called after its death.
    struct guard {
        detail::task_core& core;
        completion& end;
        ~guard() {
            if (core.remove_continuation(end)) return;
            std::unique_lock lock(end.loop.mutex_);
            end.loop.sleeping_ = true;
            end.loop.changed_.wait(lock, [&] { return end.completed; });
            end.loop.sleeping_ = false;
        }
    } const taken_out{*core, end};
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (end.completed) return;
        }
        if (work_item* item = take()) run_one(*item);
        else wait_for_items(&end.completed);
    }
}

work_item* event_loop_context::take() noexcept {
    const std::lock_guard lock(mutex_);
    work_item* item = head_;
    if (item == nullptr) return nullptr;
    head_ = item->next;
    if (head_ == nullptr) tail_ = nullptr;
    --count_;
    return item;
}

void event_loop_context::run_one(work_item& item) {
    detail::thread_block& block = detail::this_thread_block();
    item.run(item);
    block.sync = this;
    if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void event_loop_context::wait_for_items(const bool* other_reason) {
    struct reasons {
        event_loop_context& loop;
        const bool* other;
        static bool any(void* self) {
            const reasons& those = *static_cast<reasons*>(self);
            const std::lock_guard lock(those.loop.mutex_);
            return those.loop.head_ != nullptr || *those.other;
        }
    } wanted{*this, other_reason};
    // Where one thread runs everything, it runs the rest of the world meanwhile.
    dispatcher* home = detail::this_thread_block().home;
    if (home != nullptr && home->run_until(&reasons::any, &wanted)) return;

    std::unique_lock lock(mutex_);
    sleeping_ = true;
    changed_.wait(lock, [&] { return head_ != nullptr || *other_reason; });
    sleeping_ = false;
}

bool event_loop_context::is_current_thread() const noexcept {
    const std::lock_guard lock(mutex_);
    return depth_ > 0 && pumper_ == std::this_thread::get_id();
}

std::size_t event_loop_context::pending() const noexcept {
    const std::lock_guard lock(mutex_);
    return count_;
}

}  // namespace weft::inline WEFT_ABI
