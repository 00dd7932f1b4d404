#pragma once
// <weft/thread_pool.hpp>: front door of <weft/scheduling/thread_pool.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/scheduling/thread_pool.hpp"
