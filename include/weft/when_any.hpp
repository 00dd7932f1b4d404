#pragma once
// <weft/when_any.hpp>: front door of <weft/task/when_any.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/when_any.hpp"
