#pragma once
// <weft/driver.hpp>: front door of <weft/scheduling/driver.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/driver.hpp"
