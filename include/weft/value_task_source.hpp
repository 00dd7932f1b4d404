#pragma once
// <weft/value_task_source.hpp>: front door of <weft/task/value_task_source.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/value_task_source.hpp"
