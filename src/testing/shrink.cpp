// SPDX-License-Identifier: MIT

#include "testing/shrink.hpp"

#include <algorithm>

#include "testing/decider.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

void cut_zeros(answer_list& answers) {
    while (!answers.empty() && answers.back() == 0) answers.pop_back();
}

/// One search: each change that still fails is kept.
class search {
public:
    search(answer_list failing, const std::function<bool(const answer_list&)>& fails, std::size_t most)
        : best_(std::move(failing)), fails_(fails), left_(most) {
        cut_zeros(best_);
    }

    answer_list run() {
        // What comes late is often only the tail of the failure.
        for (std::size_t keep = best_.size() / 2; keep < best_.size() && left_ != 0;) {
            answer_list shorter(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(keep));
            if (!accept(std::move(shorter))) keep += std::max<std::size_t>((best_.size() - keep) / 2, 1);
            else keep = best_.size() / 2;
        }
        pass_all();
        // From where no single change helps, several at once may.
        for (std::size_t rounds = 0; rounds < most_jolts && left_ != 0 && departures(best_) > few; ++rounds)
            if (jolt()) pass_all();
        return std::move(best_);
    }

private:
    // A failure of so few departures is as short as a reader wants it.
    static constexpr std::size_t few = 2;
    static constexpr std::size_t most_jolts = 1'000;

    void pass_all() {
        for (bool smaller = true; smaller && left_ != 0;) {
            smaller = false;
            for (std::size_t length = std::max<std::size_t>(best_.size() / 2, 1); length != 0 && left_ != 0; length /= 2)
                smaller = pass(length) || smaller;
            smaller = remove_each() || smaller;
        }
    }
    /// A few random changes at once, kept if what fails then is no longer than before. @returns whether it has fewer departures
    bool jolt() {
        answer_list candidate = best_;
        for (std::size_t changes = 2 + bits_.below(3); changes != 0 && !candidate.empty(); --changes) {
            const auto at = candidate.begin() + static_cast<std::ptrdiff_t>(bits_.below(candidate.size()));
            switch (bits_.below(4)) {
                case 0: candidate.erase(at); break;
                case 1: candidate.insert(at, 0); break;
                case 2: *at = 1 + bits_.below(2); break;
                default: clear_departure_behind(candidate, at); break;
            }
        }
        const std::size_t before = departures(best_);
        if (departures(candidate) > before || candidate.size() > best_.size() + 2) return false;
        return accept(std::move(candidate)) && departures(best_) < before;
    }
    static void clear_departure_behind(answer_list& answers, answer_list::iterator from) {
        const auto found = std::find_if(from, answers.end(), [](std::uint64_t answer) { return answer != 0; });
        if (found != answers.end()) *found = 0;
    }
    bool accept(answer_list candidate) {
        if (left_ == 0) return false;
        --left_;
        cut_zeros(candidate);
        if (candidate == best_ || !fails_(candidate)) return false;
        best_ = std::move(candidate);
        return true;
    }
    // Sets stretches of `length` answers to 0.
    bool pass(std::size_t length) {
        bool smaller = false;
        for (std::size_t at = 0; at < best_.size() && left_ != 0; at += length) {
            answer_list candidate = best_;
            const auto first = candidate.begin() + static_cast<std::ptrdiff_t>(at);
            const auto last = candidate.begin() + static_cast<std::ptrdiff_t>(std::min(at + length, candidate.size()));
            if (std::all_of(first, last, [](std::uint64_t answer) { return answer == 0; })) continue;
            std::fill(first, last, 0);
            smaller = accept(std::move(candidate)) || smaller;
        }
        return smaller;
    }
    // Takes single answers out, so that what follows moves up, and lowers those that stay.
    bool remove_each() {
        bool smaller = false;
        for (std::size_t at = 0; at < best_.size() && left_ != 0; ++at) {
            answer_list candidate = best_;
            candidate.erase(candidate.begin() + static_cast<std::ptrdiff_t>(at));
            if (departures(candidate) <= departures(best_) && accept(std::move(candidate))) {
                smaller = true;
                continue;
            }
            if (at >= best_.size() || best_[at] < 2) continue;
            candidate = best_;
            candidate[at] = 1;
            smaller = accept(std::move(candidate)) || smaller;
        }
        return smaller;
    }

    answer_list best_;
    const std::function<bool(const answer_list&)>& fails_;
    std::size_t left_;
    split_mix bits_{0x5417};  // always the same: a failure is made short in the same way each time
};

}  // namespace

answer_list shrink(answer_list failing, const std::function<bool(const answer_list&)>& fails, std::size_t most) {
    return search(std::move(failing), fails, most).run();
}

std::size_t departures(const answer_list& answers) noexcept {
    return static_cast<std::size_t>(
        std::count_if(answers.begin(), answers.end(), [](std::uint64_t answer) { return answer != 0; }));
}

}  // namespace weft::inline WEFT_ABI::testing::detail
