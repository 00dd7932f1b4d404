#pragma once
// <weft/sync/async_auto_reset_event.hpp>: front door of <weft/coordination/async_auto_reset_event.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_auto_reset_event.hpp"
