#pragma once
// <weft/net/resolver.hpp>: front door of <weft/io/net/resolver.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/resolver.hpp"
