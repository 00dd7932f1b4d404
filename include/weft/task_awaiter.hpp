#pragma once
// <weft/task_awaiter.hpp>: front door of <weft/task/task_awaiter.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/task_awaiter.hpp"
