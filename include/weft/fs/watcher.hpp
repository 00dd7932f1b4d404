#pragma once
// <weft/fs/watcher.hpp>: front door of <weft/io/fs/watcher.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/fs/watcher.hpp"
