#pragma once
// <weft/net/proxy_protocol.hpp>: front door of <weft/io/net/proxy_protocol.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/proxy_protocol.hpp"
