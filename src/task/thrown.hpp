#pragma once
// What an exception is, without throwing it again: half the price of a failure that passes through many awaits was to find that out.
// SPDX-License-Identifier: MIT

#include <cstring>
#include <exception>
#include <typeinfo>

#include <cxxabi.h>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The exception that the calling thread handles.
class thrown {
public:
    thrown() noexcept : type_(abi::__cxa_current_exception_type()), error_(std::current_exception()) {}

    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

    /// The exception as a T if a handler of `T&` would catch it; else null. T is a class.
    template <class T>
    [[nodiscard]] T* as() const noexcept {
#if defined(__GLIBCXX__)
        // What the runtime's own handler search asks. A type of another language has no type_info.
        void* object = nullptr;
        static_assert(sizeof object == sizeof error_, "libstdc++ keeps the address of the thrown object, and nothing else");
        std::memcpy(static_cast<void*>(&object), static_cast<const void*>(&error_), sizeof object);
        return type_ != nullptr && typeid(T).__do_catch(type_, &object, 1) ? static_cast<T*>(object) : nullptr;
#else
        try {
            throw;
        } catch (T& found) {
            return &found;
        } catch (...) {
            return nullptr;
        }
#endif
    }

private:
    const std::type_info* type_;
    std::exception_ptr error_;
};

}  // namespace weft::inline WEFT_ABI::detail
