#pragma once
// <weft/fs/file.hpp>: front door of <weft/io/fs/file.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/fs/file.hpp"
