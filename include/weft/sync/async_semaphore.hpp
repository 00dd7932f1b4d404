#pragma once
// <weft/sync/async_semaphore.hpp>: front door of <weft/coordination/async_semaphore.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_semaphore.hpp"
