#pragma once
// <weft/net/send_file.hpp>: front door of <weft/io/net/send_file.hpp>.
// SPDX-License-Identifier: MIT
#include "weft/io/net/send_file.hpp"
