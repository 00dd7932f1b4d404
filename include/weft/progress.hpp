#pragma once
// <weft/progress.hpp>: front door of <weft/coordination/progress.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/progress.hpp"
