// The public faces of a cancellation state, and the node behind a registered callback.
// SPDX-License-Identifier: MIT

#include "weft/context/cancellation.hpp"

#include <stdexcept>
#include <utility>

#include "cancellation_parts.hpp"
#include "weft/base/error.hpp"
#include "weft/base/frame_allocator.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/context/synchronization_context.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// Owned by its registration; by the canceller when the registration went while the callback was running above it.
struct callback_node : cancellation_node {
    callback_node(const cancellation_token& on, unique_function<void()> function) noexcept
        : cancellation_node(&callback_node::on_fire), token(on), callback(std::move(function)) {}

    static void on_fire(cancellation_node& node) {
        auto& self = static_cast<callback_node&>(node);
        struct end_of_call {
            callback_node& node;
            ~end_of_call() {
                if (node.orphaned) delete &node;
            }
        } const guard{self};
        if (self.sync == nullptr) {
            self.call();
        } else {
            self.sync->send([&self] { self.call_in_context(); });
        }
    }

    void call() {
        if (!context.is_captured()) {
            callback();
        } else {
            execution_context::run(context, [this] { callback(); });
        }
    }

    void call_in_context() {
        struct executing_scope {
            cancellation_state& state;
            thread_block* previous;
            ~executing_scope() { state.set_executing(previous); }
        } const scope{*owner, owner->set_executing(&this_thread_block())};
        call();
    }

    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* block, std::size_t size) noexcept { free_frame(block, size); }

    cancellation_token token;
    unique_function<void()> callback;
    execution_context context;
    synchronization_context* sync = nullptr;
    bool orphaned = false;  // written only on the stack on which the callback runs
};

}  // namespace detail

namespace {

/// Registers `node`, or calls it here when the token is cancelled. @returns the node if it is registered
detail::callback_node* enroll(std::unique_ptr<detail::callback_node> node) {
    if (!detail::add_registration(node->token, *node)) {
        node->callback();
        return nullptr;
    }
    return node->owner == nullptr ? nullptr : node.release();
}

std::chrono::nanoseconds checked_delay(std::chrono::nanoseconds delay) {
    if (delay == cancellation_source::infinite) return delay;
    if (delay < delay.zero() || delay > cancellation_source::longest_delay) {
        throw std::invalid_argument("cancellation_source: the delay is negative or over 4294967294 ms");
    }
    return delay;
}

detail::cancellation_state* make_state(std::chrono::nanoseconds timeout) {
    using detail::cancellation_state;
    const bool at_once = checked_delay(timeout) == timeout.zero();
    return new cancellation_state(at_once ? cancellation_state::phase::canceled : cancellation_state::phase::live);
}

}  // namespace

// ---- token

void cancellation_token::throw_canceled() const { throw operation_canceled(*this); }

cancellation_registration cancellation_token::register_callback(
    unique_function<void()> callback, bool use_captured_context) const {
    if (state_ == nullptr) return {};
    auto node = std::make_unique<detail::callback_node>(*this, std::move(callback));
    node->context = execution_context::capture();
    if (use_captured_context) node->sync = synchronization_context::current();
    return cancellation_registration(enroll(std::move(node)));
}

cancellation_registration cancellation_token::unsafe_register(unique_function<void()> callback) const {
    if (state_ == nullptr) return {};
    return cancellation_registration(enroll(std::make_unique<detail::callback_node>(*this, std::move(callback))));
}

// ---- registration

bool cancellation_registration::unregister() noexcept {
    if (node_ == nullptr || !detail::remove_registration(*node_)) return false;
    delete std::exchange(node_, nullptr);
    return true;
}

void cancellation_registration::dispose() noexcept {
    detail::callback_node* node = std::exchange(node_, nullptr);
    if (node == nullptr) return;
    // Still running after the wait means: on this stack, below us.
    if (!detail::remove_and_wait(*node) && node->owner->is_running(*node)) node->orphaned = true;
    else delete node;
}

bool cancellation_registration::is_running_elsewhere() const noexcept {
    return node_ != nullptr && node_->owner->is_running_elsewhere(*node_);
}

cancellation_token cancellation_registration::token() const noexcept {
    return node_ == nullptr ? cancellation_token() : node_->token;
}

// ---- source

cancellation_source::cancellation_source() : state_(new detail::cancellation_state) {}

cancellation_source::cancellation_source(std::chrono::nanoseconds timeout, time_provider* provider)
    : cancellation_source(make_state(timeout)) {
    if (provider != nullptr) state_->set_provider(*provider);
    if (timeout > timeout.zero()) state_->set_timer(timeout);
}

cancellation_source cancellation_source::linked(std::span<const cancellation_token> parents) {
    auto links = std::make_unique<detail::parent_links>(parents);
    cancellation_source made;
    made.state_->link_to(std::move(links));
    return made;
}

detail::cancellation_state& cancellation_source::live_state() const {
    if (state_ == nullptr) throw invalid_operation("the cancellation_source has been moved from");
    if (state_->is_disposed()) throw object_disposed("cancellation_source");
    return *state_;
}

cancellation_token cancellation_source::token() const { return cancellation_token(detail::retain_state(&live_state())); }

void cancellation_source::cancel(bool throw_on_first) {
    detail::cancellation_state& state = live_state();
    // A callback may drop the last handle, this one included.
    const cancellation_token keep(detail::retain_state(&state));
    state.cancel(throw_on_first);
}

void cancellation_source::cancel_after(std::chrono::nanoseconds delay) {
    detail::cancellation_state& state = live_state();
    checked_delay(delay);
    if (!state.is_canceled()) state.set_timer(delay);
}

bool cancellation_source::try_reset() { return live_state().reset(); }

void cancellation_source::dispose() {
    if (state_ != nullptr) state_->dispose();
}

}  // namespace weft::inline WEFT_ABI
