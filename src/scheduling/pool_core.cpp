// Posting, and the number of threads.
//
// How many threads. `running_` counts those that may take work: alive, not blocked, not in the reserve. `goal_` is how many
// there should be: min_threads, and what the monitor adds when work waits and nobody takes any. A thread that announces that
// it blocks leaves `running_`. It is replaced only when needed: notify(), which every post ends in, finds nobody asleep,
// nobody searching and running_ < goal_, and then recalls a thread from the reserve or starts one. So
//
//  1. blocking_began() lowers `running_`, fences, and looks for queued work itself;
//  2. a post queues its item, fences, and looks at `running_`;
//
// and one of the two sees the other. When a blocked thread comes back there are too many; an injected one notices between two
// items (retire(), worker.cpp), moves to the reserve, and ends after twenty seconds there.
// SPDX-License-Identifier: MIT

#include "scheduling/pool_core.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "scheduling/environment.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The ended thread of a worker that is used again. Joined when nothing is locked: on its way out it may still post, from the
/// destructor of a thread_local, or even be the one that makes its successor.
class pool_core::last_thread {
public:
    last_thread() = default;
    ~last_thread() {
        if (!thread.joinable()) return;
        if (thread.get_id() == std::this_thread::get_id()) thread.detach();
        else thread.join();
    }
    last_thread(const last_thread&) = delete;
    last_thread& operator=(const last_thread&) = delete;

    std::thread thread;
};

pool_core::pool_core(thread_pool& door, runtime& owner, const runtime_options& options, std::unique_ptr<driver> io)
    : door_(door),
      owner_(owner),
      driver_(std::move(io)),
      permanent_(static_cast<unsigned>(options.min_threads)),
      idle_limit_(options.idle_thread_limit),
      compensation_(options.compensation),
      processors_(processors()),
      timers_(*this, permanent_ + foreign_shards(permanent_)),
      clock_(options.clock != nullptr ? options.clock : &timers_),
      generation_(process_generation.load(std::memory_order_relaxed)),
      table_(std::make_unique<std::atomic<worker*>[]>(thread_limit)),
      random_(options.seed),
      min_threads_(options.min_threads),
      max_threads_(options.max_threads) {
    goal_.store(static_cast<int>(permanent_), std::memory_order_relaxed);
    driver_->start(*this);
    monitor_.home = &door_;
    monitor_.owner = permanent_;
    monitor_.takes_work = false;
    try {
        for (unsigned index = 0; index < permanent_; ++index) {
            last_thread none;
            const std::lock_guard guard(mutex_);
            worker& self = spare_worker(none);
            self.owner = index;
            self.shard = index;
            running_.fetch_add(1, std::memory_order_seq_cst);
            spawn(self);
        }
        monitor_.thread = start_thread([this] { run_monitor(); });
    } catch (...) {
        stop(time_point::max());
        free_workers();
        throw;
    }
}

pool_core::~pool_core() { free_workers(); }

void pool_core::free_workers() noexcept {
    const unsigned count = table_size_.load(std::memory_order_relaxed);
    for (unsigned index = 0; index < count; ++index) delete table_[index].load(std::memory_order_relaxed);
}

// ---- posting

worker* pool_core::this_worker() noexcept {
    auto* identity = static_cast<worker_identity*>(this_thread_block().worker);
    if (identity == nullptr || identity->home != &door_) return nullptr;
    auto* self = static_cast<worker*>(identity);
    return self->takes_work ? self : nullptr;
}

void pool_core::post(work_item& item, post_hint hint) noexcept {
    check_process();
    if (hint == post_hint::high || hint == post_hint::low) [[unlikely]] {
        (hint == post_hint::high ? urgent_ : unhurried_).push(item);
        notify();
        return;
    }
    worker* self = this_worker();
    if (self == nullptr) {
        injected_.push(item);
        notify();
        return;
    }
    if (self->collecting) {
        item.next = nullptr;
        (self->collected_last == nullptr ? self->collected_first : self->collected_last->next) = &item;
        self->collected_last = &item;
        ++self->collected;
        return;
    }
    switch (hint) {
        case post_hint::next:
            // A blocked worker runs nothing next; what it is given must be where others look.
            if (self->blocking_depth == 0) {
                // Nobody is woken for a lone one: the worker itself is about to take it, and waking a thief for it costs more than
                // it gains. If the worker does not come back soon, the monitor sees it.
                work_item* older = self->slot.put(item);
                if (older == nullptr) return;
                self->queue.push(*older);
                wake_helper();
                return;
            }
            [[fallthrough]];
        case post_hint::local:
            self->queue.push(item);
            if (self->blocking_depth > 0) break;
            wake_helper();
            return;
        case post_hint::fair:
            if (self->blocking_depth == 0) {
                if (!self->has_work() && injected_.empty()) {
                    // Alone: behind everything is in front of everything. As with the slot, nobody is woken.
                    self->queue.push(item);
                    return;
                }
                if (self->fair.empty()) self->fair_turn = injected_.empty();  // behind what the global queue holds now
                self->fair.push(item);
                wake_helper();
                return;
            }
            injected_.push(item);
            break;
        case post_hint::high:
        case post_hint::low: break;  // above
    }
    notify();
}

void pool_core::notify() noexcept {
    idle_.call_helper_surely([this](worker& sleeper) { rouse(sleeper); }, [this] { replace_blocked(); });
}

/// Sees to it that somebody comes for work that is visible. Without the fence of notify() this may miss one who is lying down
/// right now: enough for an item in the queue of a running worker, which is itself awake, and looks again (maintain()).
void pool_core::wake_helper() noexcept {
    idle_.call_helper([this](worker& sleeper) { rouse(sleeper); }, [this] { replace_blocked(); });
}

/// Nobody sleeps: a thread is missing if some have announced that they block.
void pool_core::replace_blocked() noexcept {
    if (running_.load(std::memory_order_relaxed) < goal_.load(std::memory_order_relaxed)) [[unlikely]]
        add_thread(injection_reason::blocking);
}

void pool_core::rouse(worker& sleeper) noexcept {
    if (sleeper.owner != worker_identity::not_an_owner) driver_->wake(sleeper.owner);
    else sleeper.bed.wake();
}

bool pool_core::work_visible() const noexcept {
    if (shared_work()) return true;
    const unsigned count = table_size_.load(std::memory_order_acquire);
    for (unsigned index = 0; index < count; ++index)
        if (!table_[index].load(std::memory_order_acquire)->queues_empty()) return true;
    return false;
}

// ---- blocking

void pool_core::blocking_began() noexcept {
    worker* self = this_worker();
    if (self == nullptr || self->blocking_depth++ > 0) return;
    // What was to run next here must be where others find it.
    if (self->collecting) end_collecting(*self);
    if (work_item* next = self->slot.take()) self->queue.push(*next);
    blocked_.fetch_add(1, std::memory_order_relaxed);
    leave_running<std_atomics>(running_, [this] { return work_visible(); }, [this] { notify(); });
    pass_timers_on();
    wake_monitor_from(resting);
}

/// This thread no longer looks at the timers it armed or kept: somebody who sleeps must, or else the monitor.
void pool_core::pass_timers_on() noexcept {
    const time_point due = timers_.next_due();
    if (due == time_point::max()) return;
    keeper_.pass_on(
        due.time_since_epoch().count(), [this](worker& keeper) { rouse(keeper); },
        [this] {
            if (worker* sleeper = idle_.wake_one()) rouse(*sleeper);
        });
}

void pool_core::blocking_ended() noexcept {
    worker* self = this_worker();
    if (self == nullptr || --self->blocking_depth > 0) return;
    running_.fetch_add(1, std::memory_order_seq_cst);
    blocked_.fetch_sub(1, std::memory_order_relaxed);
}

void pool_core::add_thread(injection_reason reason) noexcept {
    last_thread before;
    const std::lock_guard guard(mutex_);
    if (stopping_.load(std::memory_order_relaxed) ||
        running_.load(std::memory_order_relaxed) >= goal_.load(std::memory_order_relaxed))
        return;
    if (worker* self = reserve_) {
        reserve_ = self->next_spare;
        self->recalled = true;
        running_.fetch_add(1, std::memory_order_seq_cst);
        idle_.begin_search(*self, ~0U);
        self->bed.wake();
        return;
    }
    if (threads_.load(std::memory_order_relaxed) >= max_threads_.load(std::memory_order_relaxed)) return;
    if (reason == injection_reason::blocking && compensation_ == blocking_compensation::paced && too_early()) {
        wake_monitor_from(resting);  // it asks again; with every thread blocked nobody else does
        return;
    }
    worker* self = nullptr;
    try {
        self = &spare_worker(before);
        self->injected = true;
        running_.fetch_add(1, std::memory_order_seq_cst);
        // It begins as a searcher, like one who was woken: when it finds work, it sees to it that the next thread comes.
        idle_.begin_search(*self, ~0U);
        spawn(*self);
        record(reason);
    } catch (...) {
        // No thread to be had now. The work stays queued, and the monitor asks again.
        if (self != nullptr && self->searching) static_cast<void>(idle_.end_search(*self));
        wake_monitor_from(resting);
    }
}

/// Whether the next thread for blocked ones must wait: beyond one a processor each comes 25 ms after it was first wanted, or after the
/// one before it, and 25 ms later for each further processor's worth, at most 250 ms. The monitor asks again (watch_progress()).
bool pool_core::too_early() noexcept {
    constexpr auto step = std::chrono::milliseconds(25);
    constexpr auto longest = std::chrono::milliseconds(250);
    const std::size_t extra = threads_.load(std::memory_order_relaxed) - std::min(thread_count(), min_threads());
    if (extra < processors_) return false;
    const auto pause = std::min<std::chrono::nanoseconds>(step * static_cast<std::int64_t>(extra / processors_), longest);
    const auto now = std::chrono::steady_clock::now();
    if (wanted_since_ == time_point{}) wanted_since_ = now;
    if (now - wanted_since_ < pause) return true;
    wanted_since_ = now;
    return false;
}

worker& pool_core::spare_worker(last_thread& before) {
    if (worker* self = dead_) {
        dead_ = self->next_spare;
        before.thread = std::move(self->thread);
        return *self;
    }
    const unsigned index = table_size_.load(std::memory_order_relaxed);
    if (index == thread_limit) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    auto* self = new worker;
    self->home = &door_;
    self->index = index;
    self->shard = permanent_ + index % foreign_shards(permanent_);
    self->random = std::uint64_t{index} * 0x9e3779b97f4a7c15U + 1;
    table_[index].store(self, std::memory_order_release);
    table_size_.store(index + 1, std::memory_order_release);  // thieves see the worker made
    return *self;
}

// Called under mutex_, with the worker already counted in running_.
void pool_core::spawn(worker& self) {
    threads_.fetch_add(1, std::memory_order_relaxed);
    try {
        self.thread = start_thread([this, &self] { run_worker(self); });
    } catch (...) {
        threads_.fetch_sub(1, std::memory_order_relaxed);
        running_.fetch_sub(1, std::memory_order_seq_cst);
        self.next_spare = dead_;
        dead_ = &self;
        throw;
    }
}

void pool_core::thread_ended(worker& self) noexcept {
    const std::lock_guard guard(mutex_);
    self.running.store(false, std::memory_order_relaxed);
    threads_.fetch_sub(1, std::memory_order_relaxed);
    self.next_spare = dead_;
    dead_ = &self;
    ended_.notify_all();
}

void pool_core::start_long_running(unique_function<void()> body, std::string_view name) {
    check_process();
    long_running_.fetch_add(1, std::memory_order_relaxed);
    try {
        auto thread = start_thread([this, run = std::move(body), label = std::string(name)]() mutable {
            thread_block& block = this_thread_block();
            block.home = &door_;
            name_this_thread(label);
            run_raw_callback(run, "of a long-running thread");
            run = nullptr;  // what the callback owns goes before the thread stops counting
            block.home = nullptr;
            const std::lock_guard guard(mutex_);
            long_running_.fetch_sub(1, std::memory_order_relaxed);
            ended_.notify_all();
        });
        thread.detach();
    } catch (...) {
        long_running_.fetch_sub(1, std::memory_order_relaxed);
        throw;
    }
}

// ---- limits and counters

bool pool_core::set_min_threads(std::size_t count) noexcept {
    const std::lock_guard guard(mutex_);
    if (count < 1 || count > max_threads_.load(std::memory_order_relaxed)) return false;
    const auto before = min_threads_.exchange(count, std::memory_order_relaxed);
    goal_.fetch_add(static_cast<int>(count) - static_cast<int>(before), std::memory_order_seq_cst);
    return true;
}

bool pool_core::set_max_threads(std::size_t count) noexcept {
    const std::lock_guard guard(mutex_);
    if (count < min_threads_.load(std::memory_order_relaxed) || count < permanent_ || count > thread_limit) return false;
    max_threads_.store(count, std::memory_order_relaxed);
    return true;
}

void pool_core::record(injection_reason reason) noexcept {
    const std::lock_guard guard(events_mutex_);
    const std::size_t total = event_counts_[0] + event_counts_[1];
    auto& event = events_[total % events_.size()];
    event.when = std::chrono::steady_clock::now();
    event.reason = reason;
    event.threads = thread_count();
    ++event_counts_[static_cast<std::size_t>(reason)];
}

std::size_t pool_core::injections(injection_reason reason) const noexcept {
    const std::lock_guard guard(events_mutex_);
    return event_counts_[static_cast<std::size_t>(reason)];
}

std::vector<injection_event> pool_core::recent_injections() const {
    const std::lock_guard guard(events_mutex_);
    const std::size_t total = event_counts_[0] + event_counts_[1];
    const std::size_t kept = std::min(total, events_.size());
    std::vector<injection_event> recent;
    recent.reserve(kept);
    for (std::size_t index = total - kept; index < total; ++index) recent.push_back(events_[index % events_.size()]);
    return recent;
}

std::size_t pool_core::pending() const noexcept {
    std::size_t sum = injected_.size() + urgent_.size() + unhurried_.size();
    const unsigned count = table_size_.load(std::memory_order_acquire);
    for (unsigned index = 0; index < count; ++index) {
        const worker& each = *table_[index].load(std::memory_order_acquire);
        sum += each.queue.size() + each.fair.size() + (each.slot.filled() ? 1 : 0);
    }
    return sum;
}

std::uint64_t pool_core::completed() const noexcept {
    std::uint64_t sum = 0;
    const unsigned count = table_size_.load(std::memory_order_acquire);
    for (unsigned index = 0; index < count; ++index)
        sum += table_[index].load(std::memory_order_acquire)->finished.load(std::memory_order_relaxed);
    return sum;
}

std::uint64_t pool_core::random() noexcept {
    // splitmix64: a counter and a mixer, so that any thread may ask.
    std::uint64_t bits = random_.fetch_add(0x9e3779b97f4a7c15U, std::memory_order_relaxed) + 0x9e3779b97f4a7c15U;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31);
}

// ---- the end

bool pool_core::quiet() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const auto [sleeping, searching] = idle_.look();
    return searching == 0 && static_cast<int>(sleeping) >= running_.load(std::memory_order_relaxed) &&
        blocked_.load(std::memory_order_relaxed) == 0 && pending() == 0;
}

std::size_t pool_core::stop(time_point deadline) noexcept {
    std::unique_lock lock(mutex_);
    stopping_.store(true, std::memory_order_seq_cst);
    const unsigned count = table_size_.load(std::memory_order_relaxed);
    for (unsigned index = 0; index < count; ++index) {
        worker& each = *table_[index].load(std::memory_order_relaxed);
        // Whoever lies down after the store above sees it; whoever lay down before is woken here.
        if (each.running.load(std::memory_order_relaxed) || each.thread.joinable()) rouse(each);
    }
    if (monitor_.thread.joinable()) driver_->wake(monitor_.owner);

    // A worker that ends the program (std::exit in a callback) cannot wait for itself.
    const worker* caller = this_worker();
    const auto all_ended = [&] {
        return threads_.load(std::memory_order_relaxed) == (caller != nullptr ? 1U : 0U) &&
            long_running_.load(std::memory_order_relaxed) == 0;
    };
    if (deadline == time_point::max()) ended_.wait(lock, all_ended);
    else ended_.wait_until(lock, deadline, all_ended);

    std::size_t left = long_running_.load(std::memory_order_relaxed);
    lock.unlock();
    for (unsigned index = 0; index < count; ++index) {
        worker& each = *table_[index].load(std::memory_order_relaxed);
        if (!each.thread.joinable()) continue;
        if (each.running.load(std::memory_order_acquire)) {
            each.thread.detach();
            ++left;
        } else {
            each.thread.join();
        }
    }
    if (monitor_.thread.joinable()) monitor_.thread.join();
    if (left == 0) driver_->stop();
    return left;
}

}  // namespace weft::inline WEFT_ABI::detail
