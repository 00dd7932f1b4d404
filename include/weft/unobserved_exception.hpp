#pragma once
// <weft/unobserved_exception.hpp>: front door of <weft/task/unobserved_exception.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/task/unobserved_exception.hpp"
