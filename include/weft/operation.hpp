#pragma once
// <weft/operation.hpp>: front door of <weft/task/operation.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/operation.hpp"
