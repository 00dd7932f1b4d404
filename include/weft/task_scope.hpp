#pragma once
// <weft/task_scope.hpp>: front door of <weft/task/task_scope.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/task_scope.hpp"
