#pragma once
// <weft/delay.hpp>: front door of <weft/scheduling/delay.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/delay.hpp"
