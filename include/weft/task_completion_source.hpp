#pragma once
// <weft/task_completion_source.hpp>: front door of <weft/task/task_completion_source.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/task_completion_source.hpp"
