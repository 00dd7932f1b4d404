#pragma once
// user_page/local_measures.hpp: what is measured inside the driver itself: processor work and an event loop.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "json.hpp"

namespace user_page {

/// Four independent filters one after the other, on plain threads and by run() + when_all():
/// {sequential_ms, parallel_ms, threads_speedup, cores}.
/// @throws std::runtime_error  if the ways give different pictures
[[nodiscard]] json measure_filters(std::size_t cores);

/// Four steps, each of which needs the result of the one before, as plain calls and as awaited tasks:
/// {sync_ms, async_ms, async_threads, async_step_threads}.
[[nodiscard]] json measure_dependent_steps();

/// The gaps between heartbeats of an event loop whose handler calls `/delay/300` of the services:
/// {blocking_gap_ms, awaiting_gap_ms, idle_gap_ms, block_ms}.
[[nodiscard]] json measure_event_loop(std::uint16_t services_port);

}  // namespace user_page
