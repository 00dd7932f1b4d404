#pragma once
// <weft/run_blocking.hpp>: front door of <weft/scheduling/run_blocking.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/run_blocking.hpp"
