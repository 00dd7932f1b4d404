#pragma once
// Who answers the choices of a run: a seed, a strategy, the odometer of an exhaustive search, or a list to repeat.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "weft/base/config.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// What is chosen. Strategies treat them differently: a step decides between tasks, the others between events.
enum class choice_class : std::uint8_t {
    step,     ///< which candidate runs next
    preempt,  ///< whether the running task stops here although it could go on
    detour,   ///< the same, in what it calls: an operation that could be over at once waits for its turn
    chance,   ///< whether something happens that happens seldom: 1 is yes, and all other answers are no
    value     ///< a branch of the program's, a fault, a length
};

/// Whether a choice is between tasks, and not one of what happens in the running one.
[[nodiscard]] constexpr bool is_between_tasks(choice_class what) noexcept {
    return what == choice_class::step || what == choice_class::preempt;
}

/// The number of a chain: a task with everything it awaits, as one thread of execution. 0: none.
using chain_id = std::uint32_t;

/// One choice to make.
struct decision {
    const char* kind;
    std::size_t options;  ///< at least 2
    choice_class what;
    /// Of each candidate of a step, when the decider asks for chains; 0 for a timer or an event from outside.
    std::span<const chain_id> chains = {};
    chain_id running = 0;  ///< the chain that runs or ran last
    /// A step: how many of the first candidates are work; those behind are events that may come now, later or never.
    std::size_t certain = 0;
};

/// Answers the choices of one run after the other.
class decider {
public:
    decider() = default;
    decider(const decider&) = delete;
    decider& operator=(const decider&) = delete;
    virtual ~decider() = default;

    /// @returns a number below `what.options`; 0 is always the plain order without faults
    [[nodiscard]] virtual std::size_t decide(const decision& what) = 0;
    /// Random bits, if they belong to the choices of a run; else they come from its seed.
    [[nodiscard]] virtual std::optional<std::uint64_t> random() { return std::nullopt; }
    /// Whether decisions shall name chains, which costs time.
    [[nodiscard]] virtual bool looks_at_chains() const noexcept { return false; }
    /// Whether an await that is complete is a choice at all.
    [[nodiscard]] virtual bool preempts() const noexcept { return true; }
};

/// The generator of Steele, Lea and Flood: every seed is good, and it is the same on every machine.
class split_mix {
public:
    explicit split_mix(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t operator()() noexcept {
        std::uint64_t bits = state_ += 0x9e3779b97f4a7c15u;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
        return bits ^ (bits >> 31);
    }
    /// Evenly below `limit`.
    std::size_t below(std::size_t limit) noexcept { return static_cast<std::size_t>((*this)() % limit); }
    bool one_in(std::size_t count) noexcept { return below(count) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace weft::inline WEFT_ABI::testing::detail
