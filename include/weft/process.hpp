#pragma once
// <weft/process.hpp>: front door of <weft/io/process.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/process.hpp"
