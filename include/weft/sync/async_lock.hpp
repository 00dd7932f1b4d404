#pragma once
// <weft/sync/async_lock.hpp>: front door of <weft/coordination/async_lock.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_lock.hpp"
