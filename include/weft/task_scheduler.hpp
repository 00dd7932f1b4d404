#pragma once
// <weft/task_scheduler.hpp>: front door of <weft/context/task_scheduler.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/context/task_scheduler.hpp"
