#pragma once
// <weft/dedicated_thread.hpp>: front door of <weft/scheduling/dedicated_thread.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/dedicated_thread.hpp"
