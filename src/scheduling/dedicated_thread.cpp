// The queue is shared by the handle and the thread, so that either may go first.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/dedicated_thread.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "scheduling/runtime_state.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI {

class dedicated_thread::state : public std::enable_shared_from_this<state> {
public:
    explicit state(dispatcher& home) noexcept : home_(home) {}

    void start(detail::runtime_state& owner, std::string_view name) {
        owner_ = &owner;
        owner.dedicated.fetch_add(1, std::memory_order_relaxed);
        try {
            thread_ = detail::start_thread([self = shared_from_this(), label = std::string(name)] { self->run(label); });
        } catch (...) {
            owner.dedicated.fetch_sub(1, std::memory_order_relaxed);
            throw;
        }
    }

    void post(unique_function<void()> function) {
        std::unique_lock lock(mutex_);
        queue_.push_back(std::move(function));
        if (owner_ != nullptr) {
            changed_.notify_one();
        } else if (queue_.size() == 1 && !stepping_) {
            // No thread of its own: the dispatcher runs the queue, one function a step.
            step_.self = shared_from_this();
            stepping_ = true;
            lock.unlock();
            home_.post(step_, post_hint::fair);
        }
    }

    void end() noexcept {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
            changed_.notify_one();
        }
        if (!thread_.joinable()) return;
        if (is_current()) thread_.detach();
        else thread_.join();
    }

    [[nodiscard]] bool is_current() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }

private:
    struct step : work_item {
        step() noexcept : work_item(&step::execute) {}
        static void execute(work_item& item) noexcept {
            const auto self = std::move(static_cast<step&>(item).self);
            self->take_step(self);
        }
        std::shared_ptr<state> self;
    };

    void run(const std::string& name) noexcept {
        detail::thread_block& block = detail::this_thread_block();
        block.home = &home_;
        detail::name_this_thread(name);
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return !queue_.empty() || ending_; });
            if (queue_.empty()) break;
            run_first(lock);
        }
        lock.unlock();
        block.home = nullptr;
        owner_->dedicated.fetch_sub(1, std::memory_order_relaxed);
    }

    void run_first(std::unique_lock<std::mutex>& lock) noexcept {
        auto function = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        detail::run_raw_callback(function, "of a dedicated thread");
        function = nullptr;  // what it owns goes outside the lock
        detail::thread_block& block = detail::this_thread_block();
        block.sync = nullptr;
        block.scheduler = nullptr;
        block.flow_suppressed = false;
        detail::switch_context(block, nullptr);
        lock.lock();
    }

    void take_step(const std::shared_ptr<state>& self) noexcept {
        std::unique_lock lock(mutex_);
        run_first(lock);
        stepping_ = !queue_.empty();
        if (!stepping_) return;
        step_.self = self;
        lock.unlock();
        home_.post(step_, post_hint::fair);
    }

    dispatcher& home_;
    detail::runtime_state* owner_ = nullptr;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<unique_function<void()>> queue_;
    std::thread thread_;
    step step_;
    bool ending_ = false;
    bool stepping_ = false;
};

dedicated_thread::dedicated_thread(std::string_view name) {
    dispatcher& home = detail::current_dispatcher();
    state_ = std::make_shared<state>(home);
    if (runtime* owner = home.owner()) state_->start(*owner->state_, name);
}

dedicated_thread::~dedicated_thread() {
    if (state_ != nullptr) state_->end();
}

void dedicated_thread::post(unique_function<void()> function) { state_->post(std::move(function)); }

bool dedicated_thread::is_current() const noexcept { return state_->is_current(); }

}  // namespace weft::inline WEFT_ABI
