#pragma once
// <weft/sync/async_latch.hpp>: front door of <weft/coordination/async_latch.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_latch.hpp"
