#pragma once
// <weft/limited_concurrency_scheduler.hpp>: front door of <weft/scheduling/limited_concurrency_scheduler.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/limited_concurrency_scheduler.hpp"
