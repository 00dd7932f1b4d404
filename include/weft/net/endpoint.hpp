#pragma once
// <weft/net/endpoint.hpp>: front door of <weft/io/net/endpoint.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/endpoint.hpp"
