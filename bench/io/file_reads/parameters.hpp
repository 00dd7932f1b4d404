#pragma once
// bench/io/file_reads/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "support/warm_file.hpp"

namespace bench::parameters {

inline constexpr std::uint64_t file_bytes = 67'108'864;
inline constexpr std::uint64_t block = 4'096;      // bytes a read
inline constexpr std::uint64_t depth[] = {1, 32};  // reads under way at once
inline constexpr std::uint64_t reads = 640'000;    // a repetition, all readers together
inline constexpr std::uint64_t reads_quick = 160'000;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t both_drivers = 1;  // weft runs once more on epoll
inline constexpr std::uint64_t allocations = 1;   // run.py counts them

inline constexpr read_plan all{file_bytes, block, depth[0], reads, repetitions};

}  // namespace bench::parameters
