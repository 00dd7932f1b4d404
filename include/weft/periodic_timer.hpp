#pragma once
// <weft/periodic_timer.hpp>: front door of <weft/coordination/periodic_timer.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/periodic_timer.hpp"
