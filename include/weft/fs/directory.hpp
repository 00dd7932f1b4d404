#pragma once
// <weft/fs/directory.hpp>: front door of <weft/io/fs/directory.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/fs/directory.hpp"
