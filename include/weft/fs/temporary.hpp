#pragma once
// <weft/fs/temporary.hpp>: front door of <weft/io/fs/temporary.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/fs/temporary.hpp"
