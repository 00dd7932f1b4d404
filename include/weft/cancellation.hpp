#pragma once
// <weft/cancellation.hpp>: front door of <weft/context/cancellation.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/context/cancellation.hpp"
