// SPDX-License-Identifier: MIT

#include "awaiting_chain.hpp"

#include <execinfo.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "weft/base/symbols.hpp"
#include "weft/task/detail/all_completed.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr int most_frames = 48;
constexpr std::size_t most_names = 16;

/// Who waits for `core`, as far as they cannot go on without it; `reached` when `blocked` is one of them.
std::vector<task_core*> dependents_of(task_core& core, const continuation& blocked, bool& reached) {
    std::vector<task_core*> found;
    core.visit_continuations([&](continuation& node) {
        if (&node == &blocked) reached = true;
        else if (task_core* waiting = task_core::of_node(node)) found.push_back(waiting);
        else if (task_core* combining = all_completed::awaiter_of(node)) found.push_back(combining);
    });
    return found;
}

struct step {
    task_core* core;
    std::size_t from;
};

}  // namespace

std::vector<task_core*> chain_to(task_core& from, const continuation& blocked) {
    std::vector<step> steps{step{&from, 0}};
    for (std::size_t at = 0; at < steps.size(); ++at) {
        bool reached = false;
        for (task_core* next : dependents_of(*steps[at].core, blocked, reached)) steps.push_back(step{next, at});
        if (!reached) continue;
        std::vector<task_core*> chain;
        for (std::size_t back = at;; back = steps[back].from) {
            chain.push_back(steps[back].core);
            if (back == 0) break;
        }
        std::reverse(chain.begin(), chain.end());
        return chain;
    }
    return {};
}

std::string names_of_this_stack() {
    void* frames[most_frames];
    const int count = ::backtrace(frames, most_frames);
    std::string text;
    std::size_t named = 0;
    for (int index = 0; index < count && named < most_names; ++index) {
        // A return address: the call itself is the byte before.
        const std::string name =
            function_name(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(frames[index]) - 1));
        if (named == 0 && name.find("weft::") != std::string::npos && name.find("::detail::") != std::string::npos)
            continue;
        if (named++ > 0) text += " <- ";
        text += name;
    }
    return text;
}

std::string names_of(const std::vector<task_core*>& chain) {
    std::string text;
    for (task_core* core : chain) {
        if (!text.empty()) text += " <- ";
        if (text.size() > 4000) return text + "…";
        text += core->has_flag(flag_frame) ? "'" + function_name(*static_cast<void**>(core->frame())) + "'" : "a task";
    }
    return text;
}

}  // namespace weft::inline WEFT_ABI::detail
