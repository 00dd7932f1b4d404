#pragma once
// <weft/when_each.hpp>: front door of <weft/task/when_each.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/when_each.hpp"
