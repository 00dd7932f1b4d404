#pragma once
// <weft/net/tcp.hpp>: front door of <weft/io/net/tcp.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/tcp.hpp"
