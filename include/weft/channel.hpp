#pragma once
// <weft/channel.hpp>: front door of <weft/coordination/channel.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/channel.hpp"
