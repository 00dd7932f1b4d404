// expect: every subscriber gets its own copy of an item: give its type a copy constructor, or send a std::shared_ptr of it
// SPDX-License-Identifier: MIT
#include <memory>

#include "weft/broadcast_channel.hpp"

const auto wrong = weft::broadcast_channel<std::unique_ptr<int>>::unbounded();
