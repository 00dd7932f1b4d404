#pragma once
// <weft/rate_limiter.hpp>: front door of <weft/coordination/rate_limiter.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/rate_limiter.hpp"
