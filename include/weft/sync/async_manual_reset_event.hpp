#pragma once
// <weft/sync/async_manual_reset_event.hpp>: front door of <weft/coordination/async_manual_reset_event.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_manual_reset_event.hpp"
