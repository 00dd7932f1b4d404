#pragma once
// <weft/apm.hpp>: front door of <weft/interop/apm.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/interop/apm.hpp"
