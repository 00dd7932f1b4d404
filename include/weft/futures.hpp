#pragma once
// <weft/futures.hpp>: front door of <weft/interop/futures.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/interop/futures.hpp"
