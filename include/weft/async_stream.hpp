#pragma once
// <weft/async_stream.hpp>: front door of <weft/task/async_stream.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/async_stream.hpp"
