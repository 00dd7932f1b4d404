#pragma once
// <weft/yield.hpp>: front door of <weft/scheduling/yield.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/yield.hpp"
