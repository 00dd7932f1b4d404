#pragma once
// <weft/value_task.hpp>: front door of <weft/task/value_task.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/value_task.hpp"
