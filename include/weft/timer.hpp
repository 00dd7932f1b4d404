#pragma once
// <weft/timer.hpp>: front door of <weft/coordination/timer.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/timer.hpp"
