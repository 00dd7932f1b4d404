#pragma once
// <weft/async_void.hpp>: front door of <weft/task/async_void.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/async_void.hpp"
