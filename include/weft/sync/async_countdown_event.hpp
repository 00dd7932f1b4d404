#pragma once
// <weft/sync/async_countdown_event.hpp>: front door of <weft/coordination/async_countdown_event.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_countdown_event.hpp"
