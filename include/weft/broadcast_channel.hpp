#pragma once
// <weft/broadcast_channel.hpp>: front door of <weft/coordination/broadcast_channel.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/broadcast_channel.hpp"
