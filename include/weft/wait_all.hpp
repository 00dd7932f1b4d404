#pragma once
// <weft/wait_all.hpp>: front door of <weft/task/wait_all.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/wait_all.hpp"
