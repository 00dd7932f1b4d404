// The public door of the pool.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/thread_pool.hpp"

#include <utility>

#include "scheduling/pool_core.hpp"
#include "scheduling/priority_scheduler.hpp"
#include "scheduling/runtime_state.hpp"
#include "weft/base/error.hpp"
#include "weft/base/frame_allocator.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI {

namespace {

/// A raw callback on its way, with the async-local values of who posted it.
struct posted_callback final : work_item {
    explicit posted_callback(thread_pool::callback function)
        : work_item(&posted_callback::execute),
          body(std::move(function)),
          locals(detail::capture_context(detail::this_thread_block())) {}

    static void execute(work_item& item) noexcept {
        auto& self = static_cast<posted_callback&>(item);
        detail::switch_context(detail::this_thread_block(), std::exchange(self.locals, nullptr));
        detail::run_raw_callback(self.body, "posted to the thread pool");
        self.~posted_callback();
        detail::free_frame(&self, sizeof self);
    }

    thread_pool::callback body;
    detail::context_map* locals;
};

}  // namespace

thread_pool::thread_pool(runtime& owner, const runtime_options& options, std::unique_ptr<driver> io)
    : core_(std::make_unique<detail::pool_core>(*this, owner, options, std::move(io))),
      schedulers_(std::make_unique<detail::priority_scheduler[]>(3)) {
    for (const work_priority each : {work_priority::low, work_priority::normal, work_priority::high})
        schedulers_[static_cast<std::size_t>(each)].bind(*this, each);
}

thread_pool::~thread_pool() = default;

thread_pool& thread_pool::shared() { return runtime::default_runtime().pool(); }

void thread_pool::post(callback function) { post(std::move(function), work_priority::normal); }

void thread_pool::post(callback function, work_priority priority) {
    core_->owner().state_->refuse_when_stopping();
    auto* item = ::new (detail::allocate_frame(sizeof(posted_callback))) posted_callback(std::move(function));
    core_->post(*item, detail::hint_of(priority));
}

task_scheduler& thread_pool::scheduler(work_priority priority) noexcept {
    return schedulers_[static_cast<std::size_t>(priority)];
}

void thread_pool::start_long_running(callback function, std::string_view name) {
    core_->owner().state_->refuse_when_stopping();
    core_->start_long_running(std::move(function), name);
}

std::size_t thread_pool::min_threads() const noexcept { return core_->min_threads(); }
std::size_t thread_pool::max_threads() const noexcept { return core_->max_threads(); }
bool thread_pool::set_min_threads(std::size_t count) noexcept { return core_->set_min_threads(count); }
bool thread_pool::set_max_threads(std::size_t count) noexcept { return core_->set_max_threads(count); }
std::size_t thread_pool::thread_count() const noexcept { return core_->thread_count(); }
std::size_t thread_pool::pending_work_items() const noexcept { return core_->pending(); }
std::uint64_t thread_pool::completed_work_items() const noexcept { return core_->completed(); }
std::size_t thread_pool::injections(injection_reason reason) const noexcept { return core_->injections(reason); }
std::vector<injection_event> thread_pool::recent_injections() const { return core_->recent_injections(); }

void thread_pool::post_long_running(work_item& item) {
    core_->start_long_running([&item] { item.run(item); }, "weft-long");
}

void thread_pool::require_open() const { core_->owner().state_->refuse_when_stopping(); }

void thread_pool::post(work_item& item, post_hint hint) noexcept { core_->post(item, hint); }
time_provider& thread_pool::time() noexcept { return core_->time(); }
void thread_pool::blocking_began() noexcept { core_->blocking_began(); }
void thread_pool::blocking_ended() noexcept { core_->blocking_ended(); }
std::uint64_t thread_pool::random() noexcept { return core_->random(); }
bool thread_pool::run_until(bool (*)(void*), void*) noexcept { return false; }
runtime* thread_pool::owner() noexcept { return &core_->owner(); }

}  // namespace weft::inline WEFT_ABI
