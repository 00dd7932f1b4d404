#pragma once
// <weft/base/config.hpp>: version, ABI namespace, and the attributes that differ between compilers.
// SPDX-License-Identifier: MIT

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
/// One number to compare: 10000 * major + 100 * minor + patch.
#define WEFT_VERSION (WEFT_VERSION_MAJOR * 10000 + WEFT_VERSION_MINOR * 100 + WEFT_VERSION_PATCH)

// Every declaration lives in `weft` through this inline namespace, so that two builds of the library whose layouts differ
// cannot be mixed in one program: the linker refuses.
//
// WEFT_EXPLORE=1 is the build for weft::testing's explorer: the same code, in which every await is a choice. It is set by
// linking weft::explore.
#ifndef WEFT_EXPLORE
#define WEFT_EXPLORE 0
#endif
#if WEFT_EXPLORE
#define WEFT_ABI v0_explore
#else
#define WEFT_ABI v0
#endif

/// Marks the one function of a hot path that must stay out of line; the reason stands beside each use.
#define WEFT_NOINLINE [[gnu::noinline]]

// GCC before 13 shifts a frame by a word when an await stands in a condition of a coroutine without named locals.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define WEFT_FRAME_GUARD 1
#else
#define WEFT_FRAME_GUARD 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif
#ifndef WEFT_ASAN
#define WEFT_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define WEFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif
#ifndef WEFT_TSAN
#define WEFT_TSAN 0
#endif
