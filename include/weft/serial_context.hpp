#pragma once
// <weft/serial_context.hpp>: front door of <weft/scheduling/serial_context.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/serial_context.hpp"
