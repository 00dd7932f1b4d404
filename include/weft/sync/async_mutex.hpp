#pragma once
// <weft/sync/async_mutex.hpp>: front door of <weft/coordination/async_mutex.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_mutex.hpp"
