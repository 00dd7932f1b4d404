#pragma once
// <weft/rate_limiters.hpp>: front door of <weft/coordination/rate_limiters.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/rate_limiters.hpp"
