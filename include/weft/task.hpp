#pragma once
// <weft/task.hpp>: front door of <weft/task/task.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/task.hpp"
