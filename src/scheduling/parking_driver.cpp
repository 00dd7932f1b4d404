// A parker for each owner, and which driver a runtime gets.
// SPDX-License-Identifier: MIT

#include "scheduling/parking_driver.hpp"

#include <atomic>

#include "scheduling/parker.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

class parking_driver final : public driver {
public:
    std::string_view name() const noexcept override { return "parking"; }
    void start(driver_host& host) override { beds_ = std::make_unique<bed[]>(host.owner_count() + 1); }
    void poll(unsigned index, time_point deadline) noexcept override { beds_[index].sleeper.park(deadline); }
    bool harvest(unsigned, bool) noexcept override { return false; }
    void wake(unsigned index) noexcept override { beds_[index].sleeper.wake(); }
    void monitor_tick() noexcept override {}
    bool has_operations() const noexcept override { return false; }

private:
    struct alignas(64) bed {
        parker sleeper;
    };
    std::unique_ptr<bed[]> beds_;
};

}  // namespace

std::unique_ptr<driver> make_parking_driver() { return std::make_unique<parking_driver>(); }

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI {

namespace {
constinit std::atomic<driver_factory> registered_factory{nullptr};
}

driver_factory set_driver_factory(driver_factory factory) noexcept {
    return registered_factory.exchange(factory, std::memory_order_acq_rel);
}

namespace detail {

driver_factory current_driver_factory() noexcept { return registered_factory.load(std::memory_order_acquire); }

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
