// Items lie in one line; while there are any, one pump is on the pool. The pump runs an item after the other and goes back to the end of
// the pool's queue now and then. It holds the state, and touches the context only while the context has something to run.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/serial_context.hpp"

#include <mutex>
#include <thread>

#include "scheduling/item_queue.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI {

namespace {
constexpr int items_a_turn = 16;  // before other work of the pool has its turn
}

class serial_context::state : public work_item, public std::enable_shared_from_this<state> {
public:
    explicit state(serial_context& owner) noexcept : work_item(&state::pump), context(owner) {}

    struct posted_callback : work_item {
        posted_callback(state& of, callback body)
            : work_item(&posted_callback::execute),
              owner(of),
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
                const std::lock_guard guard(self->owner.lock);
                if (self->owner.failure == nullptr) self->owner.failure = std::current_exception();
            }
            detail::switch_context(block, previous);
        }
        state& owner;
        callback function;
        detail::context_map* locals;
    };

    void queue(work_item& item) noexcept {
        {
            const std::lock_guard guard(lock);
            line.push(item);
            if (std::exchange(pumping, true)) return;
            alive = shared_from_this();
        }
        detail::current_dispatcher().post(*this, post_hint::local);
    }

    static void pump(work_item& item) noexcept {
        auto& self = static_cast<state&>(item);
        detail::thread_block& block = detail::this_thread_block();
        synchronization_context* const outer = block.sync;
        for (int count = 0; count < items_a_turn; ++count) {
            work_item* next = nullptr;
            std::shared_ptr<state> released;
            {
                const std::lock_guard guard(self.lock);
                next = self.line.pop();
                if (next == nullptr) {
                    self.pumping = false;
                    released = std::move(self.alive);
                    self.runs_on = {};
                } else {
                    self.runs_on = std::this_thread::get_id();
                }
            }
            if (next == nullptr) {
                block.sync = outer;
                self.tell_if_idle();
                return;
            }
            block.sync = &self.context;
            next->run(*next);
        }
        block.sync = outer;
        {
            const std::lock_guard guard(self.lock);
            self.runs_on = {};
        }
        detail::current_dispatcher().post(self, post_hint::fair);
    }

    /// Ends the tasks of idle() when there is nothing left.
    void tell_if_idle() noexcept {
        std::unique_ptr<task_completion_source<>> waiting;
        {
            const std::lock_guard guard(lock);
            if (!is_idle()) return;
            waiting = std::move(idle_source);
        }
        if (waiting != nullptr) waiting->set_result();
    }
    [[nodiscard]] bool is_idle() const noexcept { return operations == 0 && !pumping && line.empty(); }

    serial_context& context;
    std::mutex lock;
    detail::item_queue line;
    bool pumping = false;          ///< the pump is on the pool, or runs
    std::shared_ptr<state> alive;  ///< held by the pump
    std::thread::id runs_on{};     ///< while an item runs
    std::size_t operations = 0;    ///< started and not completed
    std::exception_ptr failure;    ///< the first that left a callback
    std::unique_ptr<task_completion_source<>> idle_source;
};

serial_context::serial_context() : state_(std::make_shared<state>(*this)) {}
serial_context::~serial_context() = default;

void serial_context::post(callback function) {
    state_->queue(*std::make_unique<state::posted_callback>(*state_, std::move(function)).release());
}

void serial_context::post_item(work_item& item) { state_->queue(item); }

void serial_context::send(callback function) {
    if (current() == this) {
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

void serial_context::visit_queued(item_visitor visit, void* argument) {
    const std::lock_guard guard(state_->lock);
    if (state_->runs_on != std::this_thread::get_id()) return;
    state_->line.for_each([&](work_item& item) {
        if (item.run != &state::posted_callback::execute) visit(item, argument);
    });
}

void serial_context::operation_started() noexcept {
    const std::lock_guard guard(state_->lock);
    ++state_->operations;
}

void serial_context::operation_completed() noexcept {
    const std::shared_ptr<state> kept = state_;  // whoever waits for this may destroy the context
    {
        const std::lock_guard guard(kept->lock);
        --kept->operations;
    }
    kept->tell_if_idle();
}

task<> serial_context::idle() {
    const std::lock_guard guard(state_->lock);
    if (state_->is_idle()) return completed_task();
    if (state_->idle_source == nullptr)
        state_->idle_source =
            std::make_unique<task_completion_source<>>(creation_options::run_continuations_asynchronously);
    return state_->idle_source->task();
}

void serial_context::throw_failure() {
    std::exception_ptr failure;
    {
        const std::lock_guard guard(state_->lock);
        failure = std::exchange(state_->failure, nullptr);
    }
    if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace weft::inline WEFT_ABI
