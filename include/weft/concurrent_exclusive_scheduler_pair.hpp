#pragma once
// <weft/concurrent_exclusive_scheduler_pair.hpp>: front door of <weft/scheduling/concurrent_exclusive_scheduler_pair.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/concurrent_exclusive_scheduler_pair.hpp"
