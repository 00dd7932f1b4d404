#pragma once
// <weft/fs/file_info.hpp>: front door of <weft/io/fs/file_info.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/fs/file_info.hpp"
