#pragma once
// <weft/http/headers.hpp>: an ordered list of header fields whose names ignore case.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::http {

/// Small ids of the fields that servers and clients look at; every other name is `other`. The same ids serve every wire version.
enum class header_id : std::uint8_t {
    other,
    accept,
    accept_charset,
    accept_encoding,
    accept_language,
    accept_ranges,
    access_control_allow_origin,
    age,
    allow,
    authorization,
    cache_control,
    connection,
    content_disposition,
    content_encoding,
    content_language,
    content_length,
    content_location,
    content_range,
    content_type,
    cookie,
    date,
    etag,
    expect,
    expires,
    forwarded,
    from,
    host,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    last_modified,
    link,
    location,
    max_forwards,
    origin,
    pragma,
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    range,
    referer,
    retry_after,
    server,
    set_cookie,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    user_agent,
    vary,
    via,
    www_authenticate,
    x_forwarded_for,
    x_request_id,
};

/// One more than the greatest id.
inline constexpr std::size_t header_id_count = static_cast<std::size_t>(header_id::x_request_id) + 1;

/// The usual spelling, e.g. "Content-Type"; empty for `other`.
[[nodiscard]] std::string_view to_string(header_id id) noexcept;
/// The id of `name` in any case, `other` when it has none.
[[nodiscard]] header_id find_header_id(std::string_view name) noexcept;

/// A field as a reader sees it; the views end with the next change of the headers.
struct header_field {
    std::string_view name;
    std::string_view value;
    header_id id = header_id::other;
};

namespace detail {
class headers_access;
}

/// The header section of a message: a value.
///
/// Names compare without case and keep their spelling; fields keep their order, and a name may occur several times.
///
/// Allocation  the text of all fields is one string, their places one vector; clear() keeps both.
/// Threads     as a standard container.
class headers {
public:
    class const_iterator;

    headers() = default;

    /// Appends a field. Spaces and tabs around `value` are dropped, as every recipient would.
    /// @throws std::invalid_argument  for a name that is no token, or a value with a line break, NUL or another control
    ///         character; nothing is added then
    void add(std::string_view name, std::string_view value);
    void add(header_id id, std::string_view value);
    /// Replaces every field of that name by one, at the place of the first.
    /// @throws std::invalid_argument  as add()
    void set(std::string_view name, std::string_view value);
    void set(header_id id, std::string_view value);
    /// @returns how many fields were removed
    std::size_t remove(std::string_view name);
    std::size_t remove(header_id id);
    void clear() noexcept;

    /// The value of the first field of that name.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
    [[nodiscard]] std::optional<std::string_view> get(header_id id) const noexcept;
    /// The values of all fields of that name, in order.
    [[nodiscard]] std::vector<std::string_view> get_all(std::string_view name) const;
    [[nodiscard]] std::size_t count(header_id id) const noexcept;
    [[nodiscard]] bool contains(std::string_view name) const noexcept;
    [[nodiscard]] bool contains(header_id id) const noexcept { return (present_ & bit(id)) != 0 && count(id) != 0; }
    /// Whether some field `id`, read as a comma-separated list, has the element `token` in any case: `Connection: Close`.
    [[nodiscard]] bool has_token(header_id id, std::string_view token) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] header_field operator[](std::size_t index) const noexcept;
    [[nodiscard]] const_iterator begin() const noexcept;
    [[nodiscard]] const_iterator end() const noexcept;

private:
    friend class detail::headers_access;

    // Places in text_. A name added by id has name_size 0: its spelling is to_string(id).
    struct entry {
        std::uint32_t name_at;
        std::uint32_t value_at;
        std::uint32_t value_size;
        std::uint16_t name_size;
        header_id id;
    };

    static constexpr std::uint64_t bit(header_id id) noexcept { return std::uint64_t{1} << static_cast<unsigned>(id); }

    [[nodiscard]] std::string_view name_of(const entry& field) const noexcept;
    [[nodiscard]] std::string_view value_of(const entry& field) const noexcept;
    [[nodiscard]] bool matches(const entry& field, header_id id, std::string_view name) const noexcept;
    [[nodiscard]] entry store(header_id id, std::string_view name, std::string_view value);
    void replace(header_id id, std::string_view name, std::string_view value);
    std::size_t remove_matching(header_id id, std::string_view name);
    [[nodiscard]] const entry* find(header_id id, std::string_view name) const noexcept;

    std::string text_;
    std::vector<entry> entries_;
    std::uint64_t present_ = 0;  // ids that may be there; a clear bit is certain
    std::uint64_t stamp_ = 0;    // which parse filled it; 0 once it was changed
};

static_assert(header_id_count <= 64, "the ids are the bits of headers::present_");

/// Walks the fields in order; yields header_field by value.
class headers::const_iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = header_field;
    using difference_type = std::ptrdiff_t;
    using pointer = const header_field*;
    using reference = header_field;

    const_iterator() = default;

    header_field operator*() const noexcept { return (*owner_)[index_]; }
    const_iterator& operator++() noexcept {
        ++index_;
        return *this;
    }
    const_iterator operator++(int) noexcept {
        const_iterator before = *this;
        ++index_;
        return before;
    }
    friend bool operator==(const const_iterator& left, const const_iterator& right) noexcept {
        return left.index_ == right.index_;
    }

private:
    friend class headers;
    const_iterator(const headers* owner, std::size_t index) noexcept : owner_(owner), index_(index) {}

    const headers* owner_ = nullptr;
    std::size_t index_ = 0;
};

inline headers::const_iterator headers::begin() const noexcept { return const_iterator(this, 0); }
inline headers::const_iterator headers::end() const noexcept { return const_iterator(this, entries_.size()); }

/// Whether `text` is a token of RFC 9110, 5.6.2: what a header name or a method may be.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Compares as header names do: ASCII letters without case.
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

}  // namespace weft::inline WEFT_ABI::http
