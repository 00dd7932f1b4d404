#pragma once
// <weft/net/unix.hpp>: front door of <weft/io/net/unix.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/unix.hpp"
