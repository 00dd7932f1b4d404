// SPDX-License-Identifier: MIT

#include "testing/trace.hpp"

#include <algorithm>
#include <string_view>

#include "testing/scheduler_state.hpp"
#include "weft/base/symbols.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

std::string place_of(const std::source_location& where) {
    const std::string_view file = where.file_name();
    const std::size_t slash = file.rfind('/');
    return std::string(slash == std::string_view::npos ? file : file.substr(slash + 1)) + ":" +
        std::to_string(where.line());
}

/// Takes out what stands between `open` and `close`, however deep.
std::string without(const std::string& text, char open, char close) {
    std::string rest;
    int depth = 0;
    for (const char letter : text) {
        if (letter == open) ++depth;
        if (depth == 0) rest += letter;
        if (letter == close && depth != 0) --depth;
    }
    return rest;
}

/// "task<int> ns::reader<int>(channel<int>&)::{lambda()#1}::operator()() const" is "reader lambda".
std::string short_name(const std::string& full) {
    std::string name = without(without(without(full, '<', '>'), '(', ')'), '[', ']');
    const bool lambda = name.find("operator") != std::string::npos || name.find("$_") != std::string::npos;
    for (const std::string_view tail : {"::operator", "::{lambda", "::$_", "::'lambda"})
        if (const std::size_t at = name.find(tail); at != std::string::npos) name.resize(at);
    while (!name.empty() && name.back() == ' ') name.pop_back();
    if (const std::size_t space = name.rfind(' '); space != std::string::npos) name.erase(0, space + 1);
    if (const std::size_t scope = name.rfind("::"); scope != std::string::npos) name.erase(0, scope + 2);
    return name.empty() ? "lambda" : lambda ? name + " lambda" : name;
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() > width) text.resize(width);
    text.append(width - text.size(), ' ');
    return text;
}

}  // namespace

void trace::event(std::string what) {
    current = 0;
    entries.push_back({0, std::move(what)});
}

void trace::note(std::string what) { entries.push_back({current, std::move(what)}); }

std::uint32_t trace::number(deterministic_scheduler& world, weft::detail::task_core& task) {
    const std::uint32_t known = scheduler_access::of(world).number_of(task);
    const auto [found, fresh] = names.try_emplace(known);
    if (fresh) found->second = short_name(weft::detail::function_name(*static_cast<void**>(task.frame())));
    return known;
}

void trace::runs(deterministic_scheduler& world, work_item& item) {
    weft::detail::task_core* core = weft::detail::task_core::of_node(item);
    if (core == nullptr) {
        event("what was posted runs");
        return;
    }
    current = number(world, *core);
    if (current == own) return;
    const auto place = places.find(current);
    note("goes on" + (place == places.end() ? std::string() : " from " + place->second));
}

// What is ready goes on and needs no row.
void trace::awaits(
    deterministic_scheduler& world, weft::detail::task_core& task, const std::source_location& where, bool ready) {
    const std::uint32_t waiting = number(world, task);
    places[waiting] = place_of(where);
    if (!ready && waiting != own) entries.push_back({waiting, "waits at " + places[waiting]});
}

void trace::stopped(deterministic_scheduler& world, weft::detail::task_core& task) {
    const std::uint32_t preempted = number(world, task);
    if (preempted != own) entries.push_back({preempted, "stopped at " + places[preempted]});
}

std::string trace::to_string(std::size_t rows) const {
    constexpr std::size_t width = 26;
    std::vector<std::uint32_t> columns;
    const std::size_t first = entries.size() > rows ? entries.size() - rows : 0;
    for (std::size_t i = first; i < entries.size(); ++i)
        if (const std::uint32_t of = column_of(entries[i]);
            of != 0 && std::find(columns.begin(), columns.end(), of) == columns.end())
            columns.push_back(of);
    std::sort(columns.begin(), columns.end());
    std::string text = "  step  " + padded("events", width);
    for (const std::uint32_t column : columns) text += "  " + padded(shown(column) + " " + names.at(column), width);
    text += '\n';
    for (std::size_t i = first; i < entries.size(); ++i) {
        const entry& each = entries[i];
        const std::string step = std::to_string(i);
        text += std::string(step.size() < 6 ? 6 - step.size() : 0, ' ') + step + "  ";
        const std::uint32_t of = column_of(each);
        const auto column = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), of) - columns.begin());
        text += std::string((of == 0 ? 0 : column + 1) * (width + 2), ' ') + each.what + '\n';
    }
    return text;
}

std::string trace::label(std::uint32_t task) const {
    const auto name = names.find(task);
    const auto place = places.find(task);
    return shown(task) + (name == names.end() ? std::string() : " " + name->second) +
        (place == places.end() ? std::string() : " at " + place->second);
}

std::string trace::chains(deterministic_scheduler& world) {
    std::vector<weft::detail::task_core*> suspended;
    weft::detail::live_tasks::for_each(
        world,
        [](void* list, weft::detail::task_core& core) {
            static_cast<std::vector<weft::detail::task_core*>*>(list)->push_back(&core);
        },
        &suspended);
    // A chain begins with the innermost task: one that waits for no task of this world.
    std::string text;
    for (auto core = suspended.rbegin(); core != suspended.rend(); ++core) {
        const auto is_inner = [&](weft::detail::task_core* other) {
            return weft::detail::live_tasks::awaiter_of(*other) == *core;
        };
        if (std::any_of(suspended.begin(), suspended.end(), is_inner)) continue;
        std::string chain;
        int depth = 0;
        for (weft::detail::task_core* each = *core; each != nullptr && depth < 64; ++depth) {
            const std::uint32_t task = number(world, *each);
            if (task != own) chain += (depth == 0 ? "" : " <- ") + label(task);
            each = weft::detail::live_tasks::awaiter_of(*each);
        }
        if (!chain.empty()) text += "  " + chain + '\n';
    }
    return text;
}

}  // namespace weft::inline WEFT_ABI::testing::detail
