#pragma once
// <weft/sync/async_shared_mutex.hpp>: front door of <weft/coordination/async_shared_mutex.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_shared_mutex.hpp"
