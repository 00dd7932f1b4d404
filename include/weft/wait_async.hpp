#pragma once
// <weft/wait_async.hpp>: front door of <weft/task/wait_async.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/wait_async.hpp"
