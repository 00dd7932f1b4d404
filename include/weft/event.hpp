#pragma once
// <weft/event.hpp>: front door of <weft/coordination/event.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/event.hpp"
