#pragma once
// <weft/stop_token.hpp>: front door of <weft/interop/stop_token.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/interop/stop_token.hpp"
