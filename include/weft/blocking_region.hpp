#pragma once
// <weft/blocking_region.hpp>: front door of <weft/scheduling/blocking_region.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/blocking_region.hpp"
