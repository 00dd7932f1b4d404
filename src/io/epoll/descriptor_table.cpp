// src/io/epoll/descriptor_table.cpp: pages of records, published by one compare-exchange each.
// SPDX-License-Identifier: MIT

#include "io/epoll/descriptor_table.hpp"

#include <new>

namespace weft::inline WEFT_ABI::detail {

descriptor_table::~descriptor_table() {
    for (auto& page : pages_) delete[] page.load(std::memory_order_relaxed);
}

descriptor_record* descriptor_table::find(int fd) noexcept {
    const auto number = static_cast<unsigned>(fd);
    if (fd < 0 || number >= page_size * pages) return nullptr;
    // Acquire pairs with the publication below: the records are seen constructed.
    descriptor_record* page = pages_[number / page_size].load(std::memory_order_acquire);
    return page == nullptr ? nullptr : page + number % page_size;
}

descriptor_record* descriptor_table::find_or_make(int fd) noexcept {
    if (descriptor_record* known = find(fd)) return known;
    const auto number = static_cast<unsigned>(fd);
    if (fd < 0 || number >= page_size * pages) return nullptr;
    auto* fresh = new (std::nothrow) descriptor_record[page_size];
    if (fresh == nullptr) return nullptr;
    descriptor_record* present = nullptr;
    if (!pages_[number / page_size].compare_exchange_strong(present, fresh, std::memory_order_acq_rel)) {
        delete[] fresh;
        fresh = present;
    }
    return fresh + number % page_size;
}

}  // namespace weft::inline WEFT_ABI::detail
