#pragma once
// <weft/parallel.hpp>: front door of <weft/coordination/parallel.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/parallel.hpp"
