#pragma once
// <weft/channel_closed.hpp>: front door of <weft/coordination/channel_closed.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/channel_closed.hpp"
