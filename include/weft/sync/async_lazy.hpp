#pragma once
// <weft/sync/async_lazy.hpp>: front door of <weft/coordination/async_lazy.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_lazy.hpp"
