// tests/io/kernel_shim_stress_test.cpp: a shim may go while the owners of rings and epoll sets, without an operation, wake up and go to
// sleep again: they ask it on the way.
// SPDX-License-Identifier: MIT

#include <memory>

#include "support.hpp"
#include "support/scale.hpp"
#include "weft/io/kernel_shim.hpp"
#include "weft/scheduling/run.hpp"

namespace {

using namespace weft;
using namespace weft_test;

using kernel_shims = io_test;

/// Lives on the heap, so that who asks it too late finds no shim.
class asked_shim final : public kernel_shim {
public:
    asked_shim() { set_kernel_shim(this); }
    ~asked_shim() { set_kernel_shim(nullptr); }
    [[nodiscard]] int visit() noexcept override { return *error_; }
    [[nodiscard]] bool is_full() noexcept override { return *error_ != 0; }

private:
    std::unique_ptr<int> error_ = std::make_unique<int>(0);
};

TEST_F(kernel_shims, go_while_owners_come_and_go) {
    for (int i = 0; i < scaled(3000); ++i) {
        const auto shim = std::make_unique<asked_shim>();
        EXPECT_EQ(block_on(run([] { return 1; })), 1);
    }
}

}  // namespace
