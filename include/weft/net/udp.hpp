#pragma once
// <weft/net/udp.hpp>: front door of <weft/io/net/udp.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/udp.hpp"
