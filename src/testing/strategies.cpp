// SPDX-License-Identifier: MIT

#include "testing/strategies.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "testing/environment.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

constexpr std::array<std::pair<strategy, const char*>, 6> strategy_names{
    {{strategy::random, "random"}, {strategy::pct2, "pct2"}, {strategy::pct3, "pct3"}, {strategy::walk, "walk"},
        {strategy::delay2, "delay2"}, {strategy::portfolio, "portfolio"}}};

// Every strategy but "portfolio" itself, which is the last.
constexpr std::size_t portfolio_size = strategy_names.size() - 1;

}  // namespace

const char* name_of(strategy which) noexcept {
    for (const auto& [known, name] : strategy_names)
        if (known == which) return name;
    return "unknown";
}

}  // namespace weft::inline WEFT_ABI::testing

namespace weft::inline WEFT_ABI::testing::detail {

strategy strategy_named(const std::string& name) {
    for (const auto& [which, known] : strategy_names)
        if (name == known) return which;
    throw std::invalid_argument("WEFT_STRATEGY: '" + name + "' is none of random, pct2, pct3, walk, delay2, portfolio");
}

strategy strategy_of_schedule(strategy how, std::size_t index) noexcept {
    return how == strategy::portfolio ? strategy_names[index % portfolio_size].first : how;
}

void profile::learn(std::size_t decisions_made, const std::vector<std::size_t>& steps) {
    decisions = std::max(decisions, decisions_made);
    if (steps_of_chain.size() < steps.size()) steps_of_chain.resize(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) steps_of_chain[i] = std::max(steps_of_chain[i], steps[i]);
}

namespace {

// No rate is right for every bug, so each schedule draws its own. An event such as a cancellation comes once in so many steps; 0: as
// one candidate among the tasks.
constexpr std::array<std::size_t, 4> event_rates{0, 3, 8, 24};
// An even choice preempts once in so many times.
constexpr std::array<std::size_t, 4> preemption_rates{2, 3, 6, 16};

class random_decider : public decider {
public:
    explicit random_decider(std::uint64_t seed)
        : bits_(seed),
          event_rate_(event_rates[bits_.below(event_rates.size())]),
          preemption_rate_(preemption_rates[bits_.below(preemption_rates.size())]) {}
    std::size_t decide(const decision& what) override {
        if (what.what == choice_class::preempt) return bits_.one_in(preemption_rate_) ? 1 : 0;
        if (!is_between_tasks(what.what) || event_rate_ == 0) return bits_.below(what.options);
        return takes_event(what) ? some_event(what) : bits_.below(what.certain);
    }

protected:
    // Whether an event goes before the work of this step, and which.
    [[nodiscard]] bool takes_event(const decision& what) {
        if (what.options == what.certain) return false;
        return what.certain == 0 || bits_.one_in(event_rate_ == 0 ? what.options : event_rate_);
    }
    std::size_t some_event(const decision& what) { return what.certain + bits_.below(what.options - what.certain); }

    split_mix bits_;

private:
    std::size_t event_rate_;
    std::size_t preemption_rate_;
};

/// Counts the decisions between tasks, and gives way to an even choice after too many: a loop that waits for another task must
/// not keep that task from running for ever.
class unfair_decider : public random_decider {
public:
    unfair_decider(std::uint64_t seed, std::size_t unfair) : random_decider(seed), unfair_(unfair) {}
    std::size_t decide(const decision& what) final {
        if (!is_between_tasks(what.what) || ++made_ > unfair_) return random_decider::decide(what);
        if (what.what == choice_class::step && takes_event(what)) return some_event(what);
        return between_tasks(what);
    }

protected:
    [[nodiscard]] virtual std::size_t between_tasks(const decision& what) = 0;
    [[nodiscard]] std::size_t made() const noexcept { return made_; }

private:
    std::size_t unfair_;
    std::size_t made_ = 0;
};

// Where an unfair decider departs from its order: among as many decisions as a schedule has had.
std::size_t some_place(split_mix& bits, const profile& known) {
    constexpr std::size_t unknown = 16;
    return 1 + bits.below(known.decisions == 0 ? unknown : known.decisions);
}

/// Burckhardt and others, "A randomized scheduler with probabilistic guarantees of finding bugs": the highest priority runs; at
/// depth - 1 random places the running task drops below all others.
class pct_decider final : public unfair_decider {
public:
    pct_decider(std::uint64_t seed, std::size_t depth, const profile& known, std::size_t unfair)
        : unfair_decider(seed, unfair) {
        for (std::size_t i = 1; i < depth; ++i) changes_.push_back(some_place(bits_, known));
    }
    [[nodiscard]] bool looks_at_chains() const noexcept override { return true; }

private:
    std::size_t between_tasks(const decision& what) override {
        for (std::size_t i = 0; i < changes_.size(); ++i)
            if (changes_[i] == made()) priorities_[what.running] = i;
        std::size_t best = 0;
        std::uint64_t best_priority = 0;
        for (std::size_t i = 0; i < what.chains.size() && i < what.certain; ++i) {
            const std::uint64_t priority = priority_of(what.chains[i]);
            if (i != 0 && priority <= best_priority) continue;
            best = i;
            best_priority = priority;
        }
        if (what.what == choice_class::step) return best;
        return what.certain != 0 && best_priority > priority_of(what.running) ? 1 : 0;
    }
    // A timer has another each time.
    std::uint64_t priority_of(chain_id chain) {
        if (chain == 0) return bits_() | top;
        const auto [found, fresh] = priorities_.try_emplace(chain, 0);
        if (fresh) found->second = bits_() | top;
        return found->second;
    }

    static constexpr std::uint64_t top = std::uint64_t{1} << 32;
    std::vector<std::size_t> changes_;
    std::unordered_map<chain_id, std::uint64_t> priorities_;
};

/// Weighs each task by the steps it is expected to have before it: then every order of the steps is about equally likely, where
/// an even choice at each step prefers orders that let short tasks end early.
class walk_decider final : public unfair_decider {
public:
    walk_decider(std::uint64_t seed, const profile& known, std::size_t unfair)
        : unfair_decider(seed, unfair), remaining_(known.steps_of_chain) {}
    [[nodiscard]] bool looks_at_chains() const noexcept override { return true; }

private:
    std::size_t between_tasks(const decision& what) override {
        std::size_t total = 0;
        for (std::size_t i = 0; i < what.certain; ++i) total += weight(what, i);
        if (what.what == choice_class::preempt) {
            const std::size_t own = weight_of(what.running);
            return bits_.below(total + own) < own ? 0 : 1;
        }
        std::size_t point = total == 0 ? 0 : bits_.below(total);
        std::size_t picked = 0;
        while (picked + 1 < what.certain && point >= weight(what, picked)) point -= weight(what, picked++);
        take(what.chains[picked]);
        return picked;
    }
    [[nodiscard]] std::size_t weight(const decision& what, std::size_t candidate) const {
        return weight_of(what.chains[candidate]);
    }
    [[nodiscard]] std::size_t weight_of(chain_id chain) const {
        return chain < remaining_.size() ? std::max<std::size_t>(remaining_[chain], 1) : 2;
    }
    void take(chain_id chain) {
        if (chain < remaining_.size() && remaining_[chain] != 0) --remaining_[chain];
    }

    std::vector<std::size_t> remaining_;
};

/// Emmi, Qadeer and Rakamaric, "Delay-bounded scheduling": the plain order, but that at a few random places the next one waits.
class delay_decider final : public unfair_decider {
public:
    delay_decider(std::uint64_t seed, std::size_t delays, const profile& known, std::size_t unfair)
        : unfair_decider(seed, unfair) {
        for (std::size_t i = 0; i < delays; ++i) places_.push_back(some_place(bits_, known));
    }

private:
    std::size_t between_tasks(const decision& what) override {
        const auto delays = static_cast<std::size_t>(std::count(places_.begin(), places_.end(), made()));
        return delays == 0 ? 0 : std::min(delays, what.options - 1);
    }

    std::vector<std::size_t> places_;
};

class replay_decider final : public decider {
public:
    explicit replay_decider(std::vector<std::uint64_t> answers) : answers_(std::move(answers)) {}
    std::size_t decide(const decision& what) override {
        const std::uint64_t answer = next_ < answers_.size() ? answers_[next_] : 0;
        ++next_;
        return static_cast<std::size_t>(std::min<std::uint64_t>(answer, what.options - 1));
    }

private:
    std::vector<std::uint64_t> answers_;
    std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<decider> make_decider(strategy which, std::uint64_t seed, const profile& known, std::size_t unfair) {
    switch (which) {
        case strategy::pct2: return std::make_unique<pct_decider>(seed, 2, known, unfair);
        case strategy::pct3: return std::make_unique<pct_decider>(seed, 3, known, unfair);
        case strategy::walk: return std::make_unique<walk_decider>(seed, known, unfair);
        case strategy::delay2: return std::make_unique<delay_decider>(seed, 2, known, unfair);
        case strategy::random:
        case strategy::portfolio: break;
    }
    return std::make_unique<random_decider>(seed);
}

std::unique_ptr<decider> make_replay(std::vector<std::uint64_t> answers) {
    return std::make_unique<replay_decider>(std::move(answers));
}

class odometer::reader final : public decider {
public:
    explicit reader(odometer& owner) : owner_(owner) {}
    std::size_t decide(const decision& what) override {
        const bool stops = what.what == choice_class::preempt || what.what == choice_class::detour;
        if (next_ == owner_.path_.size()) {
            // Of the answers that mean the same, one.
            std::size_t options = what.what == choice_class::chance ? 2 : what.options;
            if (stops && preemptions_ >= owner_.bound_) options = 1;
            owner_.path_.push_back({0, options});
        }
        const std::size_t answer = owner_.path_[next_++].answer;
        if (stops) preemptions_ += answer;
        return answer;
    }

private:
    odometer& owner_;
    std::size_t next_ = 0;
    std::size_t preemptions_ = 0;
};

std::unique_ptr<decider> odometer::make_decider() { return std::make_unique<reader>(*this); }

bool odometer::advance() {
    while (!path_.empty() && path_.back().answer + 1 >= path_.back().options) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().answer;
    return true;
}

}  // namespace weft::inline WEFT_ABI::testing::detail
