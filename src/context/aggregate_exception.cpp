// SPDX-License-Identifier: MIT

#include "weft/context/aggregate_exception.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {

namespace {

/// The aggregate that `error` is, if it is one.
std::optional<aggregate_exception> as_aggregate(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const aggregate_exception& aggregate) {
        return aggregate;
    } catch (...) {
        return std::nullopt;
    }
}

}  // namespace

aggregate_exception::aggregate_exception(std::vector<std::exception_ptr> inner, std::string message) {
    for (const std::exception_ptr& error : inner) {
        if (error == nullptr) throw std::invalid_argument("aggregate_exception: an inner exception is null");
    }
    std::string text = message.empty() ? std::string("one or more errors occurred") : message;
    for (const std::exception_ptr& error : inner) text += " (" + message_of(error) + ')';
    contents_ = std::make_shared<const contents>(contents{std::move(inner), std::move(message), std::move(text)});
}

const char* aggregate_exception::what() const noexcept { return contents_->text.c_str(); }

std::span<const std::exception_ptr> aggregate_exception::inner_exceptions() const noexcept { return contents_->inner; }

std::exception_ptr aggregate_exception::inner_exception() const noexcept {
    return contents_->inner.empty() ? nullptr : contents_->inner.front();
}

aggregate_exception aggregate_exception::flatten() const {
    std::vector<aggregate_exception> levels{*this};
    std::vector<std::exception_ptr> leaves;
    for (std::size_t next = 0; next < levels.size(); ++next) {
        const aggregate_exception level = levels[next];  // a copy: the vector grows below
        for (const std::exception_ptr& error : level.inner_exceptions()) {
            if (std::optional<aggregate_exception> nested = as_aggregate(error)) levels.push_back(*std::move(nested));
            else leaves.push_back(error);
        }
    }
    return aggregate_exception(std::move(leaves), contents_->message);
}

void aggregate_exception::handle(unique_function<bool(const std::exception_ptr&)> predicate) const {
    std::vector<std::exception_ptr> unhandled;
    for (const std::exception_ptr& error : inner_exceptions()) {
        if (!predicate(error)) unhandled.push_back(error);
    }
    if (!unhandled.empty()) throw aggregate_exception(std::move(unhandled), contents_->message);
}

std::exception_ptr aggregate_exception::base_exception() const {
    aggregate_exception current = *this;
    for (;;) {
        if (current.inner_exceptions().size() != 1) return std::make_exception_ptr(current);
        std::exception_ptr only = current.inner_exception();
        std::optional<aggregate_exception> nested = as_aggregate(only);
        if (!nested) return only;
        if (nested->inner_exceptions().size() != 1) return only;  // the object itself, not a copy
        current = *std::move(nested);
    }
}

}  // namespace weft::inline WEFT_ABI
