#pragma once
// <weft/fs/file_operations.hpp>: front door of <weft/io/fs/file_operations.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/fs/file_operations.hpp"
