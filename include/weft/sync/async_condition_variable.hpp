#pragma once
// <weft/sync/async_condition_variable.hpp>: front door of <weft/coordination/async_condition_variable.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/async_condition_variable.hpp"
