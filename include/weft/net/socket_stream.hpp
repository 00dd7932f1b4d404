#pragma once
// <weft/net/socket_stream.hpp>: front door of <weft/io/net/socket_stream.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/socket_stream.hpp"
