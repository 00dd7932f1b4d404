#pragma once
// <weft/sync/async_barrier.hpp>: front door of <weft/coordination/async_barrier.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_barrier.hpp"
