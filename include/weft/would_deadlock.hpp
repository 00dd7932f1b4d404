#pragma once
// <weft/would_deadlock.hpp>: front door of <weft/task/would_deadlock.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/would_deadlock.hpp"
