#pragma once
// One schedule: a world, the test's task in it, and what went wrong.
// SPDX-License-Identifier: MIT

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "testing/decider.hpp"
#include "testing/trace.hpp"
#include "weft/testing/explore.hpp"

namespace weft::inline WEFT_ABI::testing {

/// What a schedule came to.
struct schedule_result {
    std::vector<choice> choices;
    std::vector<std::size_t> steps_of_chain;
    std::map<std::string, std::size_t> probes;
    std::uint64_t steps = 0;
    time_point ended{};
    std::string failure;  // empty: it kept every promise
    std::string waiting;  // the chains of those that were left, of a schedule that failed and was written down

    [[nodiscard]] std::uint64_t hash() const noexcept;
    [[nodiscard]] std::vector<std::uint64_t> answers() const;
};

class schedule_run {
public:
    schedule_run(const explore_options& options, const std::function<task<>(world&)>& body,
        const std::function<std::string()>& framework_failure)
        : options_(options), body_(body), framework_failure_(framework_failure) {}

    /// @param notes  where to write what happens, or null
    [[nodiscard]] schedule_result run(
        std::unique_ptr<detail::decider> decider, std::uint64_t seed, detail::trace* notes = nullptr);

private:
    struct unobserved;

    [[nodiscard]] std::string run_test(world& here, deterministic_scheduler& scheduler);
    [[nodiscard]] std::string quiesce(deterministic_scheduler& scheduler);
    [[nodiscard]] std::string left_waiting(deterministic_scheduler& scheduler, const char* what, std::size_t own) const;

    const explore_options& options_;
    const std::function<task<>(world&)>& body_;
    const std::function<std::string()>& framework_failure_;
};

}  // namespace weft::inline WEFT_ABI::testing
