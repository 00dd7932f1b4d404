#pragma once
// <weft/synchronization_context.hpp>: front door of <weft/context/synchronization_context.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/context/synchronization_context.hpp"
