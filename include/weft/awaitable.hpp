#pragma once
// <weft/awaitable.hpp>: front door of <weft/task/awaitable.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/awaitable.hpp"
