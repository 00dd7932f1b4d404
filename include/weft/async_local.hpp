#pragma once
// <weft/async_local.hpp>: front door of <weft/context/async_local.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/context/async_local.hpp"
