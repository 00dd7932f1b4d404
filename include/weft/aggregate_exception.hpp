#pragma once
// <weft/aggregate_exception.hpp>: front door of <weft/context/aggregate_exception.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/context/aggregate_exception.hpp"
