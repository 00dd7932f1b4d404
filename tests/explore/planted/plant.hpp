#pragma once
// What the planted bugs have in common. A plant is a small primitive or service, wrong in one place when Fixed is false, and a test
// of it that only some schedules fail. They are after the kinds of bugs that such code has had elsewhere.
// SPDX-License-Identifier: MIT

#include <memory>

#include "weft/testing/explore.hpp"
#include "weft/weft.hpp"

namespace planted {

using namespace std::chrono_literals;
using weft::cancellation_registration;
using weft::cancellation_source;
using weft::cancellation_token;
using weft::operation_canceled;
using weft::task;
using weft::task_completion_source;
using weft::testing::world;

inline constexpr auto run_async = weft::creation_options::run_continuations_asynchronously;

/// Somebody who waits: true when served, false when not any more.
using waiter = task_completion_source<bool>;
inline std::shared_ptr<waiter> make_waiter() { return std::make_shared<waiter>(run_async); }

}  // namespace planted
