#pragma once
// <weft/event_loop_context.hpp>: front door of <weft/scheduling/event_loop_context.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/event_loop_context.hpp"
