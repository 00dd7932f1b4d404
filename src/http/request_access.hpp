#pragma once
// The doors of parser and router into a request.
// SPDX-License-Identifier: MIT

#include "weft/http/message.hpp"

namespace weft::inline WEFT_ABI::http::detail {

class request_access {
public:
    static void set_method(request& target, std::string_view name) {
        target.method_ = find_method(name);
        if (target.method_ == method::other) target.other_method_.assign(name);
        else target.other_method_.clear();
    }
    static void set_version(request& target, http::version seen) noexcept { target.version_ = seen; }
    static request_target& target(request& of) noexcept { return of.target_; }
    static void clear_route(request& target) noexcept { target.route_.clear(); }
    /// `name` must outlive the request; `value` is a part of the request's path.
    static void add_route_value(request& target, std::string_view name, std::string_view value) {
        const auto at = static_cast<std::size_t>(value.data() - target.target_.path().data());
        target.route_.push_back({name, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(value.size())});
    }
};

}  // namespace weft::inline WEFT_ABI::http::detail
