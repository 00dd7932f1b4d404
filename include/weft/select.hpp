#pragma once
// <weft/select.hpp>: front door of <weft/coordination/select.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/coordination/select.hpp"
