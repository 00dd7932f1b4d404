// Reading and checking a runtime's configuration. Options come before the environment, the environment before the defaults.
// SPDX-License-Identifier: MIT

#include "scheduling/environment.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include "scheduling/pool_core.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr std::size_t default_max_threads = 1024;
constexpr std::size_t default_max_blocking = 512;
constexpr auto default_idle_limit = std::chrono::seconds(20);

/// The variable as a number of threads; 0 when it is not set.
std::size_t threads_from(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return 0;
    const char* end = text + std::strlen(text);
    std::size_t number = 0;
    const auto [stop, error] = std::from_chars(text, end, number);
    if (error != std::errc{} || stop != end || number < 1 || number > thread_limit)
        throw std::invalid_argument("environment variable " + std::string(variable) + "='" + text +
            "': not a number of threads from 1 to " + std::to_string(thread_limit));
    return number;
}

/// Refuses a misspelt variable, which would otherwise be ignored without a word.
void refuse_unknown_variables() {
    static constexpr std::string_view ours[] = {"WEFT_MIN_THREADS", "WEFT_MAX_THREADS"};
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto name = text.substr(0, text.find('='));
        if (name.ends_with("_THREADS") && name.starts_with("WEFT_") &&
            std::find(std::begin(ours), std::end(ours), name) == std::end(ours))
            throw std::invalid_argument("environment variable '" + std::string(text) +
                "': unknown; known are WEFT_MIN_THREADS and WEFT_MAX_THREADS");
    }
}

void check_option(const char* option, std::size_t value) {
    if (value > thread_limit)
        throw std::invalid_argument("runtime_options::" + std::string(option) + " is " + std::to_string(value) +
            ": more than the " + std::to_string(thread_limit) + " threads a pool can have");
}

}  // namespace

std::size_t processors() noexcept {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return static_cast<std::size_t>(std::max(CPU_COUNT(&allowed), 1));
    return static_cast<std::size_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
}

runtime_options resolve_options(const runtime_options& given) {
    refuse_unknown_variables();
    runtime_options options = given;
    check_option("min_threads", options.min_threads);
    check_option("max_threads", options.max_threads);
    const std::size_t min_wished = threads_from("WEFT_MIN_THREADS");
    const std::size_t max_wished = threads_from("WEFT_MAX_THREADS");
    const bool min_given = options.min_threads != 0;
    const bool max_given = options.max_threads != 0;

    if (!min_given) options.min_threads = min_wished != 0 ? min_wished : processors();
    if (!max_given) options.max_threads = max_wished != 0 ? max_wished : std::max(default_max_threads, options.min_threads);
    if (options.max_threads < options.min_threads) {
        // A default gives way to what somebody asked for; two wishes that contradict each other are an error.
        if (!min_given && min_wished == 0) options.min_threads = options.max_threads;
        else if (!max_given && min_given) options.max_threads = options.min_threads;
        else
            throw std::invalid_argument(
                std::string(max_given ? "runtime_options::max_threads" : "environment variable WEFT_MAX_THREADS") + " is " +
                std::to_string(options.max_threads) + ": less than " +
                (min_given ? "runtime_options::min_threads" : "WEFT_MIN_THREADS") + ", " +
                std::to_string(options.min_threads));
    }
    if (options.idle_thread_limit < options.idle_thread_limit.zero())
        throw std::invalid_argument("runtime_options::idle_thread_limit is negative");
    if (options.idle_thread_limit == options.idle_thread_limit.zero()) options.idle_thread_limit = default_idle_limit;
    if (options.max_blocking_threads == 0) options.max_blocking_threads = default_max_blocking;
    if (options.seed == 0) {
        std::random_device system;
        options.seed = std::uint64_t{system()} << 32 | system();
    }
    return options;
}

}  // namespace weft::inline WEFT_ABI::detail
