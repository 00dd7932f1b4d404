// Header fields as places in one string.
// SPDX-License-Identifier: MIT

#include "weft/http/headers.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "http/characters.hpp"

namespace weft::inline WEFT_ABI::http {

namespace {

constexpr std::array<std::string_view, header_id_count> known_names = {"", "Accept", "Accept-Charset", "Accept-Encoding",
    "Accept-Language", "Accept-Ranges", "Access-Control-Allow-Origin", "Age", "Allow", "Authorization", "Cache-Control",
    "Connection", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
    "Content-Range", "Content-Type", "Cookie", "Date", "ETag", "Expect", "Expires", "Forwarded", "From", "Host", "If-Match",
    "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive", "Last-Modified", "Link",
    "Location", "Max-Forwards", "Origin", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
    "Range", "Referer", "Retry-After", "Server", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    "User-Agent", "Vary", "Via", "WWW-Authenticate", "X-Forwarded-For", "X-Request-ID"};

static_assert(known_names.back() == "X-Request-ID", "one name for each id, in the order of the ids");

// For each length the ids with known_names of that length, so that a look-up compares with few.
constexpr std::size_t longest_name = 27;

struct names_by_length {
    std::array<std::uint8_t, longest_name + 2> first{};
    std::array<header_id, header_id_count> ids{};
};

constexpr names_by_length sort_by_length() {
    names_by_length sorted{};
    std::uint8_t place = 0;
    for (std::size_t length = 1; length <= longest_name; ++length) {
        sorted.first[length] = place;
        for (std::size_t id = 1; id < header_id_count; ++id)
            if (known_names[id].size() == length) sorted.ids[place++] = static_cast<header_id>(id);
    }
    sorted.first[longest_name + 1] = place;
    return sorted;
}

constexpr names_by_length by_length = sort_by_length();
static_assert(by_length.first[longest_name + 1] == header_id_count - 1, "longest_name is the length of the longest name");

void check_name(std::string_view name) {
    if (!is_token(name)) throw std::invalid_argument("header name '" + std::string(name) + "' is not a token");
    if (name.size() > std::numeric_limits<std::uint16_t>::max())
        throw std::invalid_argument("header name of " + std::to_string(name.size()) + " characters is too long");
}

std::string_view check_value(std::string_view name, std::string_view value) {
    value = detail::trim_blanks(value);
    for (std::size_t i = 0; i < value.size(); ++i)
        if (!detail::is(detail::value_character, value[i]))
            throw std::invalid_argument("value of header '" + std::string(name) + "' has control character " +
                std::to_string(static_cast<unsigned char>(value[i])) + " at position " + std::to_string(i));
    return value;
}

}  // namespace

std::string_view to_string(header_id id) noexcept { return known_names[static_cast<std::size_t>(id)]; }

header_id find_header_id(std::string_view name) noexcept {
    if (name.empty() || name.size() > longest_name) return header_id::other;
    for (std::size_t i = by_length.first[name.size()]; i < by_length.first[name.size() + 1]; ++i)
        if (equal_ignoring_case(known_names[static_cast<std::size_t>(by_length.ids[i])], name)) return by_length.ids[i];
    return header_id::other;
}

bool is_token(std::string_view text) noexcept { return !text.empty() && detail::all_are(detail::token_character, text); }

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i)
        if (detail::to_lower(left[i]) != detail::to_lower(right[i])) return false;
    return true;
}

std::string_view headers::name_of(const entry& field) const noexcept {
    return field.name_size == 0 ? to_string(field.id) : std::string_view(text_.data() + field.name_at, field.name_size);
}

std::string_view headers::value_of(const entry& field) const noexcept {
    return std::string_view(text_.data() + field.value_at, field.value_size);
}

bool headers::matches(const entry& field, header_id id, std::string_view name) const noexcept {
    return field.id == id && (id != header_id::other || equal_ignoring_case(name_of(field), name));
}

headers::entry headers::store(header_id id, std::string_view name, std::string_view value) {
    // A value may be a view of this very text: append() copies before it frees the old memory, and places do not move.
    const std::string_view spelling = name == to_string(id) ? std::string_view() : name;
    if (text_.size() + spelling.size() + value.size() > std::numeric_limits<std::uint32_t>::max())
        throw std::invalid_argument("header section of more than 4 GiB");
    entry field{};
    field.id = id;
    field.value_at = static_cast<std::uint32_t>(text_.size());
    field.value_size = static_cast<std::uint32_t>(value.size());
    if (spelling.empty()) {
        text_.append(value);
    } else {
        std::string both;
        both.reserve(value.size() + spelling.size());
        both.append(value).append(spelling);
        text_.append(both);
        field.name_at = field.value_at + field.value_size;
        field.name_size = static_cast<std::uint16_t>(spelling.size());
    }
    present_ |= bit(id);
    stamp_ = 0;
    return field;
}

void headers::add(std::string_view name, std::string_view value) {
    check_name(name);
    value = check_value(name, value);
    entries_.push_back(store(find_header_id(name), name, value));
}

void headers::add(header_id id, std::string_view value) {
    if (id == header_id::other) throw std::invalid_argument("header_id::other has no name");
    value = check_value(to_string(id), value);
    entries_.push_back(store(id, to_string(id), value));
}

void headers::set(std::string_view name, std::string_view value) {
    check_name(name);
    replace(find_header_id(name), name, check_value(name, value));
}

void headers::set(header_id id, std::string_view value) {
    if (id == header_id::other) throw std::invalid_argument("header_id::other has no name");
    replace(id, to_string(id), check_value(to_string(id), value));
}

void headers::replace(header_id id, std::string_view name, std::string_view value) {
    const entry* found = find(id, name);
    if (found == nullptr) {
        entries_.push_back(store(id, name, value));
        return;
    }
    const std::size_t place = static_cast<std::size_t>(found - entries_.data());
    const entry fresh = store(id, name, value);
    entries_[place] = fresh;
    const std::string_view fresh_name = name_of(fresh);
    entries_.erase(std::remove_if(entries_.begin() + static_cast<std::ptrdiff_t>(place) + 1, entries_.end(),
                       [&](const entry& field) { return matches(field, id, fresh_name); }),
        entries_.end());
}

std::size_t headers::remove(std::string_view name) { return remove_matching(find_header_id(name), name); }
std::size_t headers::remove(header_id id) { return id == header_id::other ? 0 : remove_matching(id, to_string(id)); }

std::size_t headers::remove_matching(header_id id, std::string_view name) {
    if ((present_ & bit(id)) == 0) return 0;
    const std::size_t removed = std::erase_if(entries_, [&](const entry& field) { return matches(field, id, name); });
    if (removed != 0) stamp_ = 0;
    if (id != header_id::other) present_ &= ~bit(id);
    if (entries_.empty()) clear();
    return removed;
}

void headers::clear() noexcept {
    text_.clear();
    entries_.clear();
    present_ = 0;
    stamp_ = 0;
}

const headers::entry* headers::find(header_id id, std::string_view name) const noexcept {
    if ((present_ & bit(id)) == 0) return nullptr;
    for (const entry& field : entries_)
        if (matches(field, id, name)) return &field;
    return nullptr;
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
    const entry* found = find(find_header_id(name), name);
    if (found == nullptr) return std::nullopt;
    return value_of(*found);
}

std::optional<std::string_view> headers::get(header_id id) const noexcept {
    const entry* found = id == header_id::other ? nullptr : find(id, to_string(id));
    if (found == nullptr) return std::nullopt;
    return value_of(*found);
}

std::vector<std::string_view> headers::get_all(std::string_view name) const {
    std::vector<std::string_view> values;
    const header_id id = find_header_id(name);
    for (const entry& field : entries_)
        if (matches(field, id, name)) values.push_back(value_of(field));
    return values;
}

std::size_t headers::count(header_id id) const noexcept {
    if ((present_ & bit(id)) == 0) return 0;
    std::size_t found = 0;
    for (const entry& field : entries_)
        if (field.id == id) ++found;
    return found;
}

bool headers::contains(std::string_view name) const noexcept { return find(find_header_id(name), name) != nullptr; }

bool headers::has_token(header_id id, std::string_view token) const noexcept {
    if ((present_ & bit(id)) == 0) return false;
    for (const entry& field : entries_) {
        if (field.id != id) continue;
        std::string_view rest = value_of(field);
        for (;;) {
            const std::size_t comma = rest.find(',');
            if (equal_ignoring_case(detail::trim_blanks(rest.substr(0, comma)), token)) return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

header_field headers::operator[](std::size_t index) const noexcept {
    const entry& field = entries_[index];
    header_field view;
    view.name = name_of(field);
    view.value = value_of(field);
    view.id = field.id;
    return view;
}

}  // namespace weft::inline WEFT_ABI::http
