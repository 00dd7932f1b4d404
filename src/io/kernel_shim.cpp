// src/io/kernel_shim.cpp: the one pointer that drivers look at.
// SPDX-License-Identifier: MIT

#include "weft/io/kernel_shim.hpp"

#include <atomic>
#include <thread>

namespace weft::inline WEFT_ABI {

namespace {

// What starts an operation has been synchronised with the change, and the shim stays while the operation is in flight.
constinit std::atomic<kernel_shim*> installed{nullptr};
// Threads that ask it without an operation, at any time: an owner that only wakes up and goes to sleep again, who moves a batch.
constinit std::atomic<unsigned> askers{0};

/// Keeps the shim, if there is one, from going. It counts itself and then looks for the shim; set_kernel_shim() changes the shim and then
/// looks at the count. All sequentially consistent, so either it does not see the old shim, or it is waited for.
class asker {
public:
    asker() noexcept : counted_(installed.load(std::memory_order_acquire) != nullptr) {
        if (!counted_) return;
        askers.fetch_add(1, std::memory_order_seq_cst);
        shim_ = installed.load(std::memory_order_seq_cst);
    }
    // Release: what we have read of the shim is read before it goes.
    ~asker() {
        if (counted_) askers.fetch_sub(1, std::memory_order_release);
    }
    asker(const asker&) = delete;
    asker& operator=(const asker&) = delete;
    [[nodiscard]] kernel_shim* get() const noexcept { return shim_; }

private:
    bool counted_;
    kernel_shim* shim_ = nullptr;
};

}  // namespace

void set_kernel_shim(kernel_shim* shim) noexcept {
    installed.store(shim, std::memory_order_seq_cst);
    while (askers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
}

kernel_shim* detail::current_kernel_shim() noexcept { return installed.load(std::memory_order_acquire); }

int detail::visit_refused() noexcept {
    const asker asking;
    return asking.get() == nullptr ? 0 : asking.get()->visit();
}

int detail::batch_refused(bool sending) noexcept {
    const asker asking;
    return asking.get() == nullptr ? 0 : asking.get()->refuse_batch(sending);
}

bool detail::queue_refused() noexcept {
    const asker asking;
    return asking.get() != nullptr && asking.get()->is_full();
}

}  // namespace weft::inline WEFT_ABI
