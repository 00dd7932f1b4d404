#pragma once
// <weft/when_all.hpp>: front door of <weft/task/when_all.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/when_all.hpp"
