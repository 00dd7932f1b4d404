// src/io/driver_choice.cpp: which driver a runtime gets. Every program that does I/O links this file, because current_io_driver()
// stands in it, and so its static initialiser registers the factory before main.
// SPDX-License-Identifier: MIT

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>

#include "io/descriptor_reserve.hpp"
#include "io/epoll/epoll_driver.hpp"
#include "io/substitute_driver.hpp"
#include "io/uring/uring_driver.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/scheduling/driver.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

std::unique_ptr<driver> choose_automatically() {
    const std::string refused = probe_io_uring();
    if (refused.empty()) return std::make_unique<uring_driver>();
    static std::once_flag said;
    std::call_once(said, [&] { std::fprintf(stderr, "weft: I/O goes through epoll, because %s\n", refused.c_str()); });
    return std::make_unique<epoll_driver>();
}

std::unique_ptr<driver> make_driver(const runtime_options& options) {
    fill_descriptor_reserve();
    // Where the choice came from, for messages; an option that names a driver wins over the environment.
    std::string source = "runtime_options::driver";
    std::string_view choice = options.driver;
    if (choice.empty() || choice == "auto") {
        const char* variable = std::getenv("WEFT_IO");
        if (variable == nullptr || *variable == '\0') return choose_automatically();
        source = "WEFT_IO";
        choice = variable;
    }
    if (choice == "auto") return choose_automatically();
    if (choice == "epoll") return std::make_unique<epoll_driver>();
    if (choice == "io_uring") {
        const std::string refused = probe_io_uring();
        if (refused.empty()) return std::make_unique<uring_driver>();
        throw std::invalid_argument(source + "='io_uring' cannot be served: " + refused + "; use 'auto' or 'epoll'");
    }
    throw std::invalid_argument(
        source + "='" + std::string(choice) + "' is not an I/O driver: choose 'auto', 'io_uring' or 'epoll'");
}

[[maybe_unused]] const driver_factory factory_before = set_driver_factory(&make_driver);

}  // namespace

io_driver& current_io_driver() {
    dispatcher* const home = this_thread_block().home;
    if (home != nullptr && home->owner() == nullptr) {
        if (io_driver* const substitute = substitute_io_driver(*home)) return *substitute;
        throw invalid_operation(
            "this dispatcher has no runtime and no I/O: give it a driver, such as a weft::testing::simulated_io");
    }
    driver& found = runtime::current().io_driver();
    auto* known = dynamic_cast<io_driver*>(&found);
    if (known == nullptr) {
        throw invalid_operation("this runtime does no I/O: its driver is '" + std::string(found.name()) + "'");
    }
    return *known;
}

}  // namespace weft::inline WEFT_ABI::detail
