#pragma once
// <weft/continue_with.hpp>: front door of <weft/task/continue_with.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/continue_with.hpp"
