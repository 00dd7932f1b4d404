#pragma once
// <weft/outcome.hpp>: front door of <weft/task/outcome.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/outcome.hpp"
