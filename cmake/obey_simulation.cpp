// Compiled into each program that links weft::testing or weft::explore beside GoogleTest (targets.cmake): it obeys WEFT_SIM=1.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include "weft/testing/gtest.hpp"

WEFT_OBEY_SIMULATION();
