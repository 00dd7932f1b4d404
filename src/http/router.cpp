// Routes as a tree of path segments.
// SPDX-License-Identifier: MIT

#include "weft/http/router.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <stdexcept>
#include <vector>

#include "http/request_access.hpp"

namespace weft::inline WEFT_ABI::http {

namespace {

constexpr std::size_t method_count = static_cast<std::size_t>(method::other) + 1;

bool is_int(std::string_view text) noexcept {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

[[noreturn]] void refuse(std::string_view pattern, const std::string& reason) {
    throw std::invalid_argument("route '" + std::string(pattern) + "' " + reason);
}

// The segment before the first '/', which is taken from `rest` together with the slash.
std::string_view next_segment(std::string_view& rest) noexcept {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    return segment;
}

}  // namespace

// The place after some segments. Parameter names belong to routes, not to nodes: two routes may name the same place differently.
struct router::node {
    struct route {
        handler function;
        std::vector<std::string> names;
    };

    std::map<std::string, std::unique_ptr<node>, std::less<>> literals;
    std::unique_ptr<node> integer;
    std::unique_ptr<node> parameter;
    std::unique_ptr<node> rest;
    std::array<std::unique_ptr<route>, method_count> routes;

    // Most parameters of a pattern; a route with more is refused when it is mapped.
    static constexpr std::size_t most_parameters = 16;

    // Walks one request through the tree.
    struct walk {
        method wanted;
        std::array<std::string_view, most_parameters> values{};
        std::size_t count = 0;
        std::array<bool, method_count> allowed{};
        bool any_allowed = false;
    };

    [[nodiscard]] route* here(walk& state) const {
        if (route* own = routes[static_cast<std::size_t>(state.wanted)].get()) return own;
        if (state.wanted == method::head)
            if (route* get = routes[static_cast<std::size_t>(method::get)].get()) return get;
        for (std::size_t i = 0; i < method_count; ++i) {
            if (routes[i] == nullptr) continue;
            state.allowed[i] = true;
            state.any_allowed = true;
        }
        return nullptr;
    }

    // The route of `path`, whose first character is behind a slash; `at_end` when there was none.
    [[nodiscard]] route* find(std::string_view path, bool at_end, walk& state) const {
        if (at_end) {
            if (route* found = here(state)) return found;
            return nullptr;
        }
        std::string_view after = path;
        const std::string_view segment = next_segment(after);
        const bool last = segment.size() == path.size() || (after.empty() && segment.size() + 1 == path.size());
        if (const auto literal = literals.find(segment); literal != literals.end())
            if (route* found = literal->second->find(after, last, state)) return found;
        if (!segment.empty()) {
            for (const node* child : {integer.get(), parameter.get()}) {
                if (child == nullptr || (child == integer.get() && !is_int(segment))) continue;
                state.values[state.count++] = segment;
                if (route* found = child->find(after, last, state)) return found;
                --state.count;
            }
        }
        if (rest == nullptr) return nullptr;
        state.values[state.count++] = path;
        if (route* found = rest->here(state)) return found;
        --state.count;
        return nullptr;
    }

    // The child that stands for a segment of a pattern; its parameter's name is added to `names`.
    node& child(std::string_view pattern, std::string_view segment, std::vector<std::string>& names) {
        std::unique_ptr<node>* place = nullptr;
        if (segment.find_first_of("{}") == std::string_view::npos) {
            place = &literals[std::string(segment)];
        } else {
            if (segment.size() < 3 || segment.front() != '{' || segment.back() != '}')
                refuse(pattern, "has a segment '" + std::string(segment) + "' that is neither text nor {name}");
            std::string_view inside = segment.substr(1, segment.size() - 2);
            const std::size_t colon = inside.find(':');
            const std::string_view constraint = colon == std::string_view::npos ? "" : inside.substr(colon + 1);
            std::string_view name = inside.substr(0, colon);
            if (name.front() == '*') {
                name.remove_prefix(1);
                place = &rest;
            } else {
                place = constraint == "int" ? &integer : &parameter;
            }
            if (colon != std::string_view::npos && constraint != "int")
                refuse(pattern, "has the unknown constraint '" + std::string(constraint) + "'");
            if (name.empty() || name.find_first_of("{}*:") != std::string_view::npos)
                refuse(pattern, "has a parameter without a proper name");
            if (std::find(names.begin(), names.end(), name) != names.end())
                refuse(pattern, "names parameter '" + std::string(name) + "' twice");
            if (names.size() == most_parameters) refuse(pattern, "has more than 16 parameters");
            names.emplace_back(name);
        }
        if (*place == nullptr) *place = std::make_unique<node>();
        return **place;
    }
};

router::router() : root_(std::make_unique<node>()) {}
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;
router::~router() = default;

void router::add(method which, std::string_view pattern, handler function) {
    if (pattern.empty() || pattern.front() != '/') refuse(pattern, "does not begin with '/'");
    std::string_view rest = pattern.substr(1);
    std::vector<std::string> names;
    node* at = root_.get();
    while (!rest.empty()) {
        const std::string_view segment = next_segment(rest);
        if (segment.starts_with("{*") && !rest.empty())
            refuse(pattern, "has segments behind '" + std::string(segment) + "'");
        at = &at->child(pattern, segment, names);
    }
    std::unique_ptr<node::route>& place = at->routes[static_cast<std::size_t>(which)];
    if (place != nullptr) refuse(pattern, "is mapped for " + std::string(to_string(which)) + " already");
    place = std::make_unique<node::route>();
    place->function = std::move(function);
    place->names = std::move(names);
}

void router::set_fallback(handler function) { fallback_ = std::move(function); }

value_task<response> router::handle(request& asked, const cancellation_token& token) {
    std::string_view path = asked.path();
    node::walk state;
    state.wanted = asked.method();
    node::route* found = nullptr;
    if (!path.empty() && path.front() == '/') {
        path.remove_prefix(1);
        found = root_->find(path, path.empty(), state);
    }
    detail::request_access::clear_route(asked);
    if (found != nullptr) {
        for (std::size_t i = 0; i < state.count; ++i)
            detail::request_access::add_route_value(asked, found->names[i], state.values[i]);
        return found->function(asked, token);
    }
    if (state.any_allowed) {
        response refused(405);
        std::string allow;
        for (std::size_t i = 0; i < method_count; ++i) {
            if (!state.allowed[i]) continue;
            if (!allow.empty()) allow += ", ";
            allow += to_string(static_cast<method>(i));
            if (static_cast<method>(i) == method::get && !state.allowed[static_cast<std::size_t>(method::head)])
                allow += ", HEAD";
        }
        refused.headers().set(header_id::allow, allow);
        return value_task<response>(std::move(refused));
    }
    if (fallback_) return fallback_(asked, token);
    return value_task<response>(response(404));
}

}  // namespace weft::inline WEFT_ABI::http
