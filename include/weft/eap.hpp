#pragma once
// <weft/eap.hpp>: front door of <weft/interop/eap.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/interop/eap.hpp"
