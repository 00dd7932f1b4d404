#pragma once
// <weft/senders.hpp>: front door of <weft/interop/senders.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/interop/senders.hpp"
