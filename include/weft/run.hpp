#pragma once
// <weft/run.hpp>: front door of <weft/scheduling/run.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/run.hpp"
