// when_any's race (include/weft/task/detail/first_race.hpp) over real task words: one winner, the awaiter goes on once, after nobody
// uses the race any more, and the losers' words are empty then.
// SPDX-License-Identifier: MIT

#include "weft/task/detail/first_race.hpp"
#include "weft/task/detail/status_word.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct alignas(16) node {
    checked_plain<node*> next = nullptr;
    checked_plain<node*> prev = nullptr;
};

using status_word = weft::detail::basic_status_word<node, checked_atomics>;

/// As src/task/first_completed.cpp.
template <int Tasks>
struct race_of {
    static constexpr std::size_t never = Tasks - 1;  // the last task does not end

    weft::detail::basic_first_race<checked_atomics> race;
    status_word words[Tasks];
    node nodes[Tasks];
    checked_plain<int> results[Tasks];
    checked_plain<int> frame = 1;  // the awaiter's: written when it goes on, read by every use of the race before
    int resumptions = 0;

    auto remover() {
        return [this](std::size_t index) { return words[index].remove(nodes[index]); };
    }
    void await() {
        const bool sleeps =
            race.start(Tasks, [this](std::size_t index) { return words[index].add(nodes[index]); }, remover());
        if (!sleeps) go_on();
    }
    void end(std::size_t index) {
        results[index] = 7;
        node* each = words[index].publish(5);
        if (each == nullptr) return;
        require(frame == 1, "the awaiter waits while the race is used");
        if (race.completed(index, remover())) go_on();
    }
    void go_on() {
        ++resumptions;
        const std::size_t winner = race.winner();
        require(winner < never, "a task that ended wins");
        require(results[winner] == 7, "the winner's result is seen");
        frame = 2;
    }
    void after() {
        require(resumptions == 1, "the awaiter goes on once");
        require(words[never].load() == 0, "nothing is left behind in a loser");
    }
};

/// Two end while the awaiter registers at three.
struct when_any_model : rl::test_suite<when_any_model, 3>, race_of<3> {
    void thread(unsigned index) {
        if (index == 2) await();
        else end(index);
    }
    void after() { race_of::after(); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<when_any_model>("first_race", {},
        {
            {"registration looks for a winner with acquire only", "start", access::load, order::seq_cst, order::acquire},
            {"a completion leaves without release", "completed", access::change, order::acq_rel, order::acquire},
            {"the last completion leaves without acquire", "completed", access::change, order::acq_rel, order::release},
        });
    return verdict.result();
}
