// SPDX-License-Identifier: MIT

#include "weft/coordination/detail/channel_select.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace weft::inline WEFT_ABI::detail {
namespace {

/// The channels, each once, in the order of their addresses, so that two selects never wait for each other.
std::vector<channel_core*> in_order(std::span<select_part* const> parts) {
    std::vector<channel_core*> channels;
    channels.reserve(parts.size());
    for (select_part* each : parts) channels.push_back(each->party().channel);
    std::sort(channels.begin(), channels.end(), std::less<channel_core*>());
    channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
    return channels;
}

/// Their locks.
class all_locks {
public:
    explicit all_locks(std::vector<channel_core*> ordered) noexcept : channels_(std::move(ordered)) {
        for (channel_core* each : channels_) each->line_lock().lock();
    }
    /// Each unlock may let the frame of the select go, and with it, after the last, the channels: nothing of them is read here.
    ~all_locks() {
        for (channel_core* each : channels_) each->line_lock().unlock();
    }
    all_locks(const all_locks&) = delete;
    all_locks& operator=(const all_locks&) = delete;

private:
    std::vector<channel_core*> channels_;
};

}  // namespace

// The race of the token and the channels is told in select_race.hpp. It is opened under the locks, before anybody can resume the
// awaiter.
bool channel_select::start(task_core& awaiter) {
    std::vector<channel_core*> channels = in_order(parts_);
    awaiter_ = &awaiter;
    cancellation_node::fire = &on_cancel;
    if (!add_registration(token_, *this)) return false;
    claimed_waiters woken;
    bool waits = false;
    try {
        const all_locks locks(std::move(channels));
        if (!race_.win()) return false;
        for (std::size_t index = 0; index < parts_.size() && chosen_ == none; ++index)
            if (parts_[index]->attempt_locked(woken)) chosen_ = index;
        if (chosen_ == none) {
            for (select_part* each : parts_) {
                each->party().race = &race_;
                each->party().awaiter = &awaiter;
                each->line_up(woken);
            }
            waits = race_.open_and_wait([this] { return token_.is_cancellation_requested(); });
            if (!waits)
                for (select_part* each : parts_)
                    if (each->party().line != nullptr) each->party().line->remove(each->party());
        }
    } catch (...) {
        // No memory for an item that was to be written: nobody is in a line yet.
        remove_and_wait(*this);
        woken.resume_all(false);
        throw;
    }
    // Waiting, the frame may be gone: only what was claimed here is touched.
    if (!waits && chosen_ != none) parts_[chosen_]->after_attempt();
    woken.resume_all(false);
    return waits;
}

void channel_select::on_cancel(cancellation_node& node) {
    auto& self = static_cast<channel_select&>(node);
    if (!self.race_.win()) return;  // served, or start() will ask the token itself
    task_core& awaiter = *self.awaiter_;
    if (self.race_.end()) resume_awaiter(awaiter);
}

/// Out of every line, and of the token. After it nobody else knows the select.
void channel_select::leave() noexcept {
    remove_and_wait(*this);
    for (select_part* each : parts_) channel_core::leave(each->party());
    over_ = true;
}

std::size_t channel_select::await_resume() {
    leave();
    if (chosen_ != none) return chosen_;
    for (std::size_t index = 0; index < parts_.size(); ++index) {
        const channel_wait state = parts_[index]->party().state;
        if (state == channel_wait::served || state == channel_wait::closed) return index;
        // The only reader of an unbounded channel began another wait.
        if (state == channel_wait::canceled) throw task_canceled();
    }
    throw task_canceled(token_);
}

}  // namespace weft::inline WEFT_ABI::detail
