// In place of src/io/driver_choice.cpp and src/scheduling/parking_driver.cpp: io_uring is the only driver.
// SPDX-License-Identifier: MIT

#include <cstdlib>

#include "io/uring/uring_driver.hpp"
#include "scheduling/parking_driver.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

std::unique_ptr<driver> make_parking_driver() { std::abort(); }
driver_factory current_driver_factory() noexcept {
    return [](const runtime_options&) -> std::unique_ptr<driver> { return std::make_unique<uring_driver>(); };
}
io_driver& current_io_driver() { return dynamic_cast<io_driver&>(runtime::current().io_driver()); }

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI {

driver_factory set_driver_factory(driver_factory) noexcept { return nullptr; }

}  // namespace weft::inline WEFT_ABI
