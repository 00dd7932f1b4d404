// In a file of its own, so that a program can be linked in which the pool is the only dispatcher (bench/seams).
// SPDX-License-Identifier: MIT

#include "nowhere.hpp"

#include "weft/base/dispatcher.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

class nowhere final : public dispatcher {
public:
    void post(work_item&, post_hint) noexcept override {}
    [[nodiscard]] time_provider& time() noexcept override { return default_dispatcher().time(); }
    void blocking_began() noexcept override {}
    void blocking_ended() noexcept override {}
    [[nodiscard]] std::uint64_t random() noexcept override { return 0; }
    bool run_until(bool (*)(void*), void*) noexcept override { return false; }
    [[nodiscard]] runtime* owner() noexcept override { return nullptr; }
};

}  // namespace

std::uintptr_t place_nowhere() noexcept {
    alignas(16) static nowhere never_destroyed;
    return reinterpret_cast<std::uintptr_t>(static_cast<dispatcher*>(&never_destroyed)) | place_dispatcher;
}

}  // namespace weft::inline WEFT_ABI::detail
