#pragma once
// tests/models/support/relacy.hpp: the checker's own header, and nothing of its macros after it.
//
// Relacy defines `new`, `delete`, `free`, `errno`, `assert`, `$`, the names of the memory orders and those of POSIX threads as
// macros. The headers of the library come before this one; the macros of the language go at its end.
// SPDX-License-Identifier: MIT

#include <stdexcept>  // relacy uses it and does not include it

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <relacy/relacy.hpp>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdollar-in-identifier-extension"
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef errno
#undef assert
#undef $
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef VAR
#pragma clang diagnostic pop

// Relacy replaces the plain forms of operator new and delete, so that it sees leaks and double deletions; the sized ones would
// give its blocks to the C library. Each model is one source file, so these are defined once.
void operator delete(void* block, std::size_t) noexcept { ::operator delete(block); }
void operator delete[](void* block, std::size_t) noexcept { ::operator delete[](block); }
