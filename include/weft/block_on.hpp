#pragma once
// <weft/block_on.hpp>: front door of <weft/scheduling/block_on.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/block_on.hpp"
