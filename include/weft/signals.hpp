#pragma once
// <weft/signals.hpp>: front door of <weft/io/signals.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/signals.hpp"
