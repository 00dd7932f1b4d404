#pragma once
// <weft/start_new.hpp>: front door of <weft/task/start_new.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/start_new.hpp"
