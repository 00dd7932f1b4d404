// src/tls/outlet.cpp: a BIO of our own, because a pair of memory BIOs would have each byte copied out of it once more.
// SPDX-License-Identifier: MIT

#include "tls/outlet.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

int write_to_outlet(BIO* bio, const char* data, std::size_t size, std::size_t* written) noexcept {
    BIO_clear_retry_flags(bio);
    auto& bytes = *static_cast<tls_bytes*>(::BIO_get_data(bio));
    if (bytes.size() >= outlet_limit) {
        BIO_set_retry_write(bio);
        return -1;
    }
    try {
        append(bytes, data, size);
    } catch (const std::bad_alloc&) {
        ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
        return -1;
    }
    *written = size;
    return 1;
}

long control_outlet(BIO* bio, int command, long, void*) noexcept {
    switch (command) {
        case BIO_CTRL_FLUSH:
        case BIO_CTRL_DUP: return 1;
        case BIO_CTRL_WPENDING: return static_cast<long>(static_cast<const tls_bytes*>(::BIO_get_data(bio))->size());
        default: return 0;
    }
}

/// Null without memory; kept until the process ends.
const BIO_METHOD* outlet_method() noexcept {
    static const BIO_METHOD* const method = []() -> const BIO_METHOD* {
        BIO_METHOD* const made = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft outlet");
        if (made == nullptr) return nullptr;
        ::BIO_meth_set_write_ex(made, &write_to_outlet);
        ::BIO_meth_set_ctrl(made, &control_outlet);
        return made;
    }();
    return method;
}

}  // namespace

bio_ptr outlet_to(tls_bytes& bytes) noexcept {
    const BIO_METHOD* const method = outlet_method();
    bio_ptr made(method == nullptr ? nullptr : ::BIO_new(method));
    if (made == nullptr) return made;
    ::BIO_set_data(made.get(), &bytes);
    ::BIO_set_init(made.get(), 1);
    return made;
}

}  // namespace weft::inline WEFT_ABI::detail
