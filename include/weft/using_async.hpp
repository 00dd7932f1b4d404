#pragma once
// <weft/using_async.hpp>: front door of <weft/task/using_async.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/using_async.hpp"
