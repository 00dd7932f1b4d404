#pragma once
// The strategies: ways to answer the choices of a schedule.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "testing/decider.hpp"
#include "weft/testing/explore.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// What earlier schedules of the same test were like; some strategies need to know how long one is.
struct profile {
    std::size_t decisions = 0;                ///< of a schedule: the most seen
    std::vector<std::size_t> steps_of_chain;  ///< the most seen

    /// Takes in what one more schedule was like.
    void learn(std::size_t decisions_made, const std::vector<std::size_t>& steps);
};

/// What schedule `index` of a test is run with: `how`, or its place in the portfolio.
[[nodiscard]] strategy strategy_of_schedule(strategy how, std::size_t index) noexcept;

/// @param unfair  decisions after which the strategy picks evenly
[[nodiscard]] std::unique_ptr<decider> make_decider(
    strategy which, std::uint64_t seed, const profile& known, std::size_t unfair);

/// Answers from a list; behind its end with the plain order.
[[nodiscard]] std::unique_ptr<decider> make_replay(std::vector<std::uint64_t> answers);

/// The odometer of an exhaustive search: depth first over the answers.
class odometer {
public:
    explicit odometer(std::size_t preemption_bound) : bound_(preemption_bound) {}
    /// For the next schedule.
    [[nodiscard]] std::unique_ptr<decider> make_decider();
    /// Moves on behind the schedule that was run. @returns false when there is no other
    [[nodiscard]] bool advance();

private:
    struct digit {
        std::size_t answer;
        std::size_t options;
    };
    class reader;
    std::vector<digit> path_;
    std::size_t bound_;
};

}  // namespace weft::inline WEFT_ABI::testing::detail
