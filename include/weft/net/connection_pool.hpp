#pragma once
// <weft/net/connection_pool.hpp>: front door of <weft/io/net/connection_pool.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/connection_pool.hpp"
