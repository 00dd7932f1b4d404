#pragma once
// <weft/runtime.hpp>: front door of <weft/scheduling/runtime.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/runtime.hpp"
