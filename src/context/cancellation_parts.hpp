#pragma once
// What hangs on a cancellation state: the timer of a source that cancels itself, and the links of a linked source.
// SPDX-License-Identifier: MIT

#include <memory>
#include <mutex>
#include <span>

#include "weft/base/time_provider.hpp"
#include "weft/base/work_item.hpp"
#include "weft/context/cancellation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Made when a time is first set, since most sources never have one.
struct source_timer : timer_node, work_item {
    explicit source_timer(cancellation_state& state) noexcept : work_item(&source_timer::on_posted), owner(state) {
        fire = &source_timer::on_fire;
    }

    static void on_fire(timer_node& node) noexcept;
    static void on_posted(work_item& item) noexcept;

    // Held while the provider is called, but never while callbacks run. `armed` is true from before arm() until disarm()
    // succeeded or `fire` began; it stands for one reference to the owner.
    std::mutex mutex;
    time_provider* provider = nullptr;
    cancellation_state& owner;
    bool armed = false;
    bool fired = false;
};

/// A child's place in the list of one of its parents.
struct parent_link : cancellation_node {
    parent_link() noexcept : cancellation_node(&parent_link::on_fire) {}

    static void on_fire(cancellation_node& node);

    cancellation_state* child = nullptr;
    cancellation_token parent;
};

class parent_links {
public:
    explicit parent_links(std::span<const cancellation_token> parents);

    /// @returns false when a parent is already cancelled; the links after it are not made
    [[nodiscard]] bool join(cancellation_state& child) noexcept;
    /// Afterwards no parent will call the child, and none is calling it in another thread.
    void leave() noexcept;

private:
    std::unique_ptr<parent_link[]> links_;
    std::size_t count_ = 0;
};

}  // namespace weft::inline WEFT_ABI::detail
