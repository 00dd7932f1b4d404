// The protocol of cancellation.
//
// Who registers, who is called and who waits is told, and done, in cancellation_registry.hpp.
//
// Lifetime. Handles, tokens and registrations are users. When the last goes, nobody can see the state any more: its timer is
// stopped and its links to parents are taken out (waiting for a parent that is just calling), and the users' one reference
// is dropped. A timer that is firing and a parent that is calling hold references of their own meanwhile.
// SPDX-License-Identifier: MIT

#include "weft/context/detail/cancellation_state.hpp"

#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "cancellation_parts.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/aggregate_exception.hpp"

namespace weft::inline WEFT_ABI::detail {

// ---- registrations

bool cancellation_state::add(cancellation_node& node) noexcept {
    node.owner = this;  // first: a listed node may be gone at once
    switch (registry_.add(node)) {
        case registry::answer::listed: return true;
        case registry::answer::canceled: node.owner = nullptr; return false;
        default: node.owner = nullptr; return true;  // disposed: can never be cancelled any more (1.13/10)
    }
}

bool cancellation_state::remove(cancellation_node& node) noexcept { return registry_.remove(node); }

std::size_t cancellation_state::registrations() const noexcept { return registry_.count(); }

bool cancellation_state::is_running_elsewhere(const cancellation_node& node) const noexcept {
    return registry_.is_running_elsewhere(node, this_thread_block());
}

bool cancellation_state::remove_and_wait(cancellation_node& node) noexcept {
    if (remove(node)) return true;
    for (int tries = 0; tries < 100; ++tries) {
        if (!is_running_elsewhere(node)) return false;
        cpu_pause();
    }
    dispatcher* home = this_thread_block().home;
    if (home != nullptr) home->blocking_began();
    registry_.wait_while_running(node, this_thread_block());
    if (home != nullptr) home->blocking_ended();
    return false;
}

// ---- cancelling

bool cancellation_state::begin_cancel() noexcept {
    if (!registry_.begin()) return false;
    stop_timer();
    return true;
}

void cancellation_state::run_callbacks(bool throw_on_first) {
    set_executing(&this_thread_block());
    std::vector<std::exception_ptr> errors;
    while (cancellation_node* node = registry_.next_to_run()) {
        try {
            node->fire(*node);
        } catch (...) {
            if (throw_on_first) {
                registry_.finish();
                throw;
            }
            errors.push_back(std::current_exception());
        }
    }
    registry_.finish();
    if (!errors.empty()) throw aggregate_exception(std::move(errors));
}

thread_block* cancellation_state::set_executing(thread_block* thread) noexcept { return registry_.set_executing(thread); }

// ---- the timer

source_timer& cancellation_state::timer() {
    source_timer* present = timer_.load(std::memory_order_acquire);
    if (present != nullptr) return *present;
    auto made = std::make_unique<source_timer>(*this);
    // Sequentially consistent, as the load in stop_timer(): see basic_cancellation_registry::begin().
    if (timer_.compare_exchange_strong(present, made.get())) return *made.release();
    return *present;
}

void cancellation_state::set_provider(time_provider& provider) { timer().provider = &provider; }

void cancellation_state::set_timer(std::chrono::nanoseconds delay) {
    source_timer& timer = this->timer();
    std::lock_guard guard(timer.mutex);
    if (timer.fired || !registry_.is_live_in_order()) return;
    if (timer.armed) {
        if (!timer.provider->disarm(timer)) return;  // firing: cancelled in a moment
        timer.armed = false;
        release_reference();
    }
    if (delay < delay.zero()) return;
    if (timer.provider == nullptr) timer.provider = &current_dispatcher().time();
    timer.deadline = timer.provider->now() + delay;
    timer.armed = true;
    retain_reference();
    timer.provider->arm(timer);
}

/// @returns false when the timer has fired or is about to
bool cancellation_state::stop_timer() noexcept {
    source_timer* timer = timer_.load();
    if (timer == nullptr) return true;
    {
        std::lock_guard guard(timer->mutex);
        if (!timer->armed) return !timer->fired;
        if (!timer->provider->disarm(*timer)) return false;
        timer->armed = false;
    }
    release_reference();  // never the last: the caller has one
    return true;
}

void source_timer::on_fire(timer_node& node) noexcept {
    auto& self = static_cast<source_timer&>(node);
    if (node.slot == timer_node::orphaned) {
        // The source outlives its runtime: it is not cancelled, and a time set later is kept by another clock.
        {
            std::lock_guard guard(self.mutex);
            self.armed = false;
            self.provider = nullptr;
        }
        self.owner.release_reference();
        return;
    }
    {
        std::lock_guard guard(self.mutex);
        self.armed = false;
        self.fired = true;
    }
    // A thread of a pool that minds the timers must not run what users registered: a callback that blocks would hold up
    // everybody's timers. Elsewhere (a clock that a test advances) callbacks run here, as 1.21/3 asks.
    thread_block& block = this_thread_block();
    if (block.worker != nullptr && block.home != nullptr) {
        if (self.owner.begin_cancel()) {
            block.home->post(self, post_hint::local);
            return;
        }
    } else {
        self.owner.cancel(false);
    }
    self.owner.release_reference();
}

void source_timer::on_posted(work_item& item) noexcept {
    cancellation_state& owner = static_cast<source_timer&>(item).owner;
    owner.run_callbacks(false);
    owner.release_reference();
}

// ---- reset, dispose, links, lifetime

bool cancellation_state::reset() noexcept { return stop_timer() && registry_.clear(); }

void cancellation_state::dispose() noexcept {
    if (!registry_.dispose()) return;
    stop_timer();
    if (links_ != nullptr) links_->leave();
    registry_.clear();
}

void cancellation_state::link_to(std::unique_ptr<parent_links> links) noexcept {
    links_ = std::move(links);
    if (!links_->join(*this)) static_cast<void>(begin_cancel());  // no callback can be there yet
}

void cancellation_state::abandon() noexcept {
    stop_timer();
    if (links_ != nullptr) links_->leave();
    release_reference();
}

void cancellation_state::release_reference() noexcept {
    // As for users: the last one sees everything before it destroys.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

cancellation_state::cancellation_state(phase initial) noexcept : registry_(initial) {}
cancellation_state::~cancellation_state() { delete timer_.load(std::memory_order_relaxed); }

cancellation_state& canceled_state() noexcept {
    static auto* const state = new cancellation_state(cancellation_state::phase::canceled);
    return *state;
}

parent_links::parent_links(std::span<const cancellation_token> parents) : links_(new parent_link[parents.size()]) {
    for (const cancellation_token& parent : parents) {
        if (parent.can_be_canceled()) links_[count_++].parent = parent;
    }
}

bool parent_links::join(cancellation_state& child) noexcept {
    for (std::size_t index = 0; index < count_; ++index) {
        links_[index].child = &child;
        if (!add_registration(links_[index].parent, links_[index])) return false;
    }
    return true;
}

void parent_links::leave() noexcept {
    for (std::size_t index = 0; index < count_; ++index) remove_and_wait(links_[index]);
}

void parent_link::on_fire(cancellation_node& node) {
    // The child lives: its end waits for this call. But a callback below may drop the child's last user, and then this link
    // with it, on this very stack.
    cancellation_state& child = *static_cast<parent_link&>(node).child;
    child.retain_reference();
    struct release_at_end {
        cancellation_state& state;
        ~release_at_end() { state.release_reference(); }
    } const guard{child};
    child.cancel(false);
}

}  // namespace weft::inline WEFT_ABI::detail
