#pragma once
// <weft/ui_context.hpp>: front door of <weft/interop/ui_context.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/interop/ui_context.hpp"
