#pragma once
// <weft/partitioned_rate_limiter.hpp>: front door of <weft/coordination/partitioned_rate_limiter.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/partitioned_rate_limiter.hpp"
