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

/// "ns::reader(channel<int>&) [clone .resume]" is "reader".
std::string short_name(std::string name) {
    if (const std::size_t lambda = name.find("::$_"); lambda != std::string::npos) name.resize(lambda);
    if (const std::size_t open = name.find('('); open != std::string::npos && open != 0) name.resize(open);
    if (const std::size_t space = name.rfind(' '); space != std::string::npos) name.erase(0, space + 1);
    if (const std::size_t scope = name.rfind("::"); scope != std::string::npos) name.erase(0, scope + 2);
    return name;
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() > width) text.resize(width);
    text.append(width - text.size(), ' ');
    return text;
}

}  // namespace

void trace::add(deterministic_scheduler& world, std::uint32_t task, std::string what) {
    const auto place = places.find(task);
    entries.push_back({task, world.time().now(), std::move(what), place == places.end() ? std::string() : place->second});
}

void trace::runs(deterministic_scheduler& world, work_item& item) {
    scheduler_access::state& state = scheduler_access::of(world);
    weft::detail::task_core* core = weft::detail::task_core::of_node(item);
    if (core == nullptr) {
        add(world, 0, "something posted runs");
        return;
    }
    const std::uint32_t number = state.number_of(*core);
    name(number, *core);
    add(world, number, "goes on");
}

void trace::awaits(deterministic_scheduler& world, weft::detail::task_core& task, const std::source_location& where) {
    const std::uint32_t number = scheduler_access::of(world).number_of(task);
    name(number, task);
    places[number] = place_of(where);
    add(world, number, "awaits");
}

void trace::name(std::uint32_t number, weft::detail::task_core& task) {
    const auto [found, fresh] = names.try_emplace(number);
    if (fresh) found->second = short_name(weft::detail::function_name(*static_cast<void**>(task.frame())));
}

std::string trace::to_string(std::size_t rows) const {
    constexpr std::size_t width = 24;
    std::vector<std::uint32_t> columns;
    const std::size_t first = entries.size() > rows ? entries.size() - rows : 0;
    for (std::size_t i = first; i < entries.size(); ++i)
        if (entries[i].task != 0 && std::find(columns.begin(), columns.end(), entries[i].task) == columns.end())
            columns.push_back(entries[i].task);
    std::sort(columns.begin(), columns.end());
    std::string text = "  step  " + padded("event", width);
    for (const std::uint32_t column : columns)
        text += "  " + padded("#" + std::to_string(column) + " " + names.at(column), width);
    text += '\n';
    for (std::size_t i = first; i < entries.size(); ++i) {
        const entry& each = entries[i];
        const std::string number = std::to_string(i);
        text += std::string(number.size() < 6 ? 6 - number.size() : 0, ' ') + number + "  ";
        const std::string cell = each.what + (each.where.empty() ? "" : " " + each.where);
        const auto column =
            static_cast<std::size_t>(std::find(columns.begin(), columns.end(), each.task) - columns.begin());
        const std::size_t before = each.task == 0 ? 0 : column + 1;
        text += std::string(before * (width + 2), ' ') + cell + '\n';
    }
    return text;
}

}  // namespace weft::inline WEFT_ABI::testing::detail
