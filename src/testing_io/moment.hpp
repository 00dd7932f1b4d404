#pragma once
// src/testing_io/moment.hpp: an instant of virtual time at which something in the simulated world happens.
// SPDX-License-Identifier: MIT

#include "weft/base/time_provider.hpp"

namespace weft::inline WEFT_ABI::testing {

/// A timer with what it does. Several moments due at once are candidates of the scheduler, which chooses.
///
/// The action may destroy the moment.
class moment : timer_node {
public:
    using action = void (*)(void*);

    /// @param clock  where the world keeps its clock; null once it has none any more
    moment(time_provider* const& clock, action act, void* object) noexcept : clock_(clock), act_(act), object_(object) {
        fire = &fired;
    }
    ~moment() { stop(); }
    moment(const moment&) = delete;
    moment& operator=(const moment&) = delete;

    void at(time_point when) noexcept {
        stop();
        if (clock_ == nullptr) return;
        deadline = when;
        armed_ = true;
        clock_->arm(*this);
    }
    void stop() noexcept {
        if (armed_ && clock_ != nullptr) static_cast<void>(clock_->disarm(*this));
        armed_ = false;
    }
    [[nodiscard]] bool is_armed() const noexcept { return armed_; }

private:
    static void fired(timer_node& node) noexcept {
        auto& self = static_cast<moment&>(node);
        self.armed_ = false;
        self.act_(self.object_);
    }

    time_provider* const& clock_;
    action act_;
    void* object_;
    bool armed_ = false;
};

}  // namespace weft::inline WEFT_ABI::testing
