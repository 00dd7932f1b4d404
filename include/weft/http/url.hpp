#pragma once
// <weft/http/url.hpp>: absolute URLs for clients, request targets for servers, and percent-encoding.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::http {

/// Encodes every byte of `text` that is not unreserved (letters, digits, "-._~"), so that it may stand in a path segment or a
/// query value.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Decodes once. @returns nothing if a '%' is not followed by two hexadecimal digits
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// An absolute URL of a web service, `http://host[:port][/path][?query]`: a value.
class url {
public:
    /// @throws std::invalid_argument  naming the text and what is wrong with it: no scheme, another scheme than http or https,
    ///         no host, user information, a port outside 1..65535, a space or control character
    explicit url(std::string_view text);

    /// `reference` seen from `base`: an absolute URL stands alone, `/x` and `?q` replace the path or the query, `x` the last
    /// segment.
    /// @throws std::invalid_argument  as url()
    [[nodiscard]] static url resolve(const url& base, std::string_view reference);
    /// Whether `text` starts with a scheme, so that it needs no base.
    [[nodiscard]] static bool is_absolute(std::string_view text) noexcept;

    [[nodiscard]] const std::string& scheme() const noexcept { return scheme_; }
    /// Lower case; an IPv6 address without its brackets.
    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// Path and query, as they go on the wire; starts with '/'. Dot segments are resolved; a fragment is dropped.
    [[nodiscard]] const std::string& target() const noexcept { return target_; }
    /// What the Host field says: the host, with the port unless it is the scheme's own.
    [[nodiscard]] std::string authority() const;
    [[nodiscard]] std::string to_string() const { return scheme_ + "://" + authority() + target_; }

private:
    std::string scheme_;
    std::string host_;
    std::string target_;
    std::uint16_t port_ = 0;
};

/// The target of a request on the server: a path and a query.
///
/// There is one normalisation, done once before routing: the path is split at '/', each segment is percent-decoded, '.'
/// disappears, '..' takes away the segment before it and stops at the root. `%2F` and `%25` stay as they are: decoding the
/// first would make two segments of one, and without the second nobody could tell the two apart; so percent_decode() of a
/// segment is always its exact text, and a route value never holds a '/'. Refused as malformed: a bad percent-triplet, NUL or
/// another control character, a backslash (also as %5C), characters that RFC 3986 does not allow.
///
/// Follows  RFC 3986, 3.3 to 3.5 and 5.2.4; RFC 9112, 3.2
class request_target {
public:
    request_target() = default;

    /// Takes `raw` as origin form (`/a?b`), absolute form (`http://h/a?b`) or `*`.
    /// @returns whether it is well formed; if not, path() and raw_query() are empty
    bool assign(std::string_view raw);
    /// Keeps `raw` without looking into it: the URL of a client's request.
    void assign_unparsed(std::string_view raw);

    /// As received.
    [[nodiscard]] const std::string& raw() const noexcept { return raw_; }
    /// The normalised path; "*" for `*`.
    [[nodiscard]] std::string_view path() const noexcept;
    /// The text after '?', not decoded.
    [[nodiscard]] std::string_view raw_query() const noexcept;
    /// The decoded value of the first parameter `name`; '+' means a space. A parameter without '=' has an empty value.
    /// @returns nothing if it is absent or its percent-encoding is malformed
    [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
    /// Every parameter in order, decoded; those with a malformed percent-encoding are left out.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> query_parameters() const;

private:
    bool normalise(std::string_view path);

    std::string raw_;
    std::string path_;  // only if the normalised path is no part of raw_
    std::uint32_t path_at_ = 0;
    std::uint32_t path_size_ = 0;
    std::uint32_t query_at_ = 0;
    std::uint32_t query_size_ = 0;
    bool normalised_ = false;  // path_ holds the path
};

}  // namespace weft::inline WEFT_ABI::http
