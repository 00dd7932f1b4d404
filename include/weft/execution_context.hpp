#pragma once
// <weft/execution_context.hpp>: front door of <weft/context/execution_context.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/context/execution_context.hpp"
