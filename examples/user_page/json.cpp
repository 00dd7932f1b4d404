// Reading and writing JSON: recursive descent, and the reverse.
// SPDX-License-Identifier: MIT

#include "json.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <stdexcept>

namespace user_page {

namespace {

constexpr int deepest = 64;  // nesting that is read; the stack is not the input's to spend

class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}

    json document() {
        json value = read_value(0);
        skip_spaces();
        if (at_ != text_.size()) fail("the end");
        return value;
    }

private:
    [[noreturn]] void fail(std::string_view expected) const {
        throw std::runtime_error("malformed JSON at byte " + std::to_string(at_) + ": expected " + std::string(expected));
    }
    void skip_spaces() {
        at_ = text_.find_first_not_of(" \n\t\r", at_);
        if (at_ == std::string_view::npos) at_ = text_.size();
    }
    bool take(std::string_view token) {
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }

    json read_value(int depth) {
        if (depth == deepest) fail("less nesting");
        skip_spaces();
        if (take("{")) return read_object(depth);
        if (take("[")) return read_array(depth);
        if (take("\"")) return json(read_string());
        if (take("true")) return json(true);
        if (take("false")) return json(false);
        if (take("null")) return json();
        double value = 0;
        const auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (problem != std::errc()) fail("a value");
        at_ = static_cast<std::size_t>(end - text_.data());
        return json(value);
    }

    json read_object(int depth) {
        json::object members;
        skip_spaces();
        if (take("}")) return json(std::move(members));
        for (;;) {
            skip_spaces();
            if (!take("\"")) fail("a member's name");
            std::string name = read_string();
            skip_spaces();
            if (!take(":")) fail("':'");
            members.emplace_back(std::move(name), read_value(depth + 1));
            skip_spaces();
            if (take("}")) return json(std::move(members));
            if (!take(",")) fail("',' or '}'");
        }
    }

    json read_array(int depth) {
        json::array items;
        skip_spaces();
        if (take("]")) return json(std::move(items));
        for (;;) {
            items.push_back(read_value(depth + 1));
            skip_spaces();
            if (take("]")) return json(std::move(items));
            if (!take(",")) fail("',' or ']'");
        }
    }

    // Escapes beyond ASCII do not occur in what the three programs tell each other; they are refused, not garbled.
    std::string read_string() {
        std::string text;
        for (;;) {
            if (at_ == text_.size()) fail("'\"'");
            const char next = text_[at_++];
            if (next == '"') return text;
            if (next != '\\') {
                text += next;
                continue;
            }
            const char escaped = at_ < text_.size() ? text_[at_++] : '\0';
            switch (escaped) {
                case '"':
                case '\\':
                case '/': text += escaped; break;
                case 'n': text += '\n'; break;
                case 't': text += '\t'; break;
                case 'r': text += '\r'; break;
                default: fail("an escape of '\"', '\\', '/', 'n', 't' or 'r'");
            }
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void write_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char next : text) {
        switch (next) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\t': out += "\\t"; break;
            case '\r': out += "\\r"; break;
            default: out += static_cast<unsigned char>(next) < 0x20 ? ' ' : next;
        }
    }
    out += '"';
}

void new_line(std::string& out, bool indented, std::size_t depth) {
    if (!indented) return;
    out += '\n';
    out.append(2 * depth, ' ');
}

}  // namespace

json json::parse(std::string_view text) { return json_reader(text).document(); }

std::string json::dump(bool indented) const {
    std::string out;
    write(out, indented, 0);
    return out;
}

void json::write(std::string& out, bool indented, std::size_t depth) const {
    if (const auto* flag = std::get_if<bool>(&value_)) {
        out += *flag ? "true" : "false";
    } else if (const auto* number = std::get_if<double>(&value_)) {
        out += number_text(*number);
    } else if (const auto* text = std::get_if<std::string>(&value_)) {
        write_string(out, *text);
    } else if (const auto* items = std::get_if<array>(&value_)) {
        out += '[';
        for (std::size_t index = 0; index < items->size(); ++index) {
            if (index > 0) out += ", ";
            new_line(out, indented && depth < 3, depth + 1);
            (*items)[index].write(out, false, depth + 1);
        }
        if (!items->empty()) new_line(out, indented && depth < 3, depth);
        out += ']';
    } else if (const auto* members = std::get_if<object>(&value_)) {
        out += '{';
        for (std::size_t index = 0; index < members->size(); ++index) {
            if (index > 0) out += indented ? "," : ", ";
            new_line(out, indented, depth + 1);
            write_string(out, (*members)[index].first);
            out += ": ";
            (*members)[index].second.write(out, indented, depth + 1);
        }
        if (!members->empty()) new_line(out, indented, depth);
        out += '}';
    } else {
        out += "null";
    }
}

json& json::operator[](std::string_view key) {
    if (std::holds_alternative<std::monostate>(value_)) value_ = object();
    auto* members = std::get_if<object>(&value_);
    if (members == nullptr)
        throw std::runtime_error("'" + std::string(key) + "' was looked for in a value that is no object");
    for (auto& [name, value] : *members)
        if (name == key) return value;
    return members->emplace_back(std::string(key), json()).second;
}

void json::push_back(json item) {
    if (std::holds_alternative<std::monostate>(value_)) value_ = array();
    std::get<array>(value_).push_back(std::move(item));
}

const json* json::find(std::string_view path) const {
    const json* here = this;
    while (!path.empty()) {
        const std::string_view key = path.substr(0, path.find('.'));
        const auto* members = std::get_if<object>(&here->value_);
        if (members == nullptr) return nullptr;
        here = nullptr;
        for (const auto& [name, value] : *members)
            if (name == key) here = &value;
        if (here == nullptr) return nullptr;
        path.remove_prefix(key.size() == path.size() ? key.size() : key.size() + 1);
    }
    return here;
}

const json& json::require(std::string_view path, const char* kind, std::size_t index) const {
    const json* found = find(path);
    if (found == nullptr || found->value_.index() != index)
        throw std::runtime_error("there is no " + std::string(kind) + " at '" + std::string(path) + "'");
    return *found;
}

double json::number(std::string_view path) const { return std::get<double>(require(path, "number", 2).value_); }
const std::string& json::text(std::string_view path) const {
    return std::get<std::string>(require(path, "text", 3).value_);
}
const json::array& json::items(std::string_view path) const { return std::get<array>(require(path, "array", 4).value_); }

std::string number_text(double value) {
    if (!std::isfinite(value)) return "null";
    char buffer[64];
    int size = std::snprintf(buffer, sizeof buffer, "%.3f", value);
    while (size > 0 && buffer[size - 1] == '0') --size;
    if (size > 0 && buffer[size - 1] == '.') --size;
    return std::string(buffer, static_cast<std::size_t>(size));
}

}  // namespace user_page
