#pragma once
// tests/conformance/attempt.hpp: one record of a subject, watched for more than one answer and, under the address sanitizer, for
// anybody who touches its buffer while it belongs to the kernel.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "fault_subjects.hpp"
#include "weft/base/config.hpp"

#if WEFT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace weft_test {

/// A record that is filled in first and submitted later. Lives until its answer has come.
class attempt : weft::io_operation {
public:
    attempt(stage& on, weft::io_kind what, subject& about) : io_operation(what, &answered), driver_(&on.driver) {
        about.fill(*this);
    }

    void spoil_descriptor() { fd = -1; }
    void submit() {
        poison();
        if (!driver_->submit(*this)) settle();
    }
    void cancel() { driver_->cancel(*this); }
    [[nodiscard]] weft::task<int> answer() { return answer_.task(); }
    /// More than one: the driver has answered twice.
    [[nodiscard]] int answers() const { return answers_.load(); }

private:
    static void answered(io_operation& operation) noexcept { static_cast<attempt&>(operation).settle(); }
    void settle() {
        unpoison();
        if (answers_.fetch_add(1) == 0) answer_.set_result(result);
    }

    // Only where the kernel itself moves the bytes: a system call made by this process is looked at by the sanitizer, too.
#if WEFT_ASAN
    void poison() {
        const bool bytes = kind == weft::io_kind::read || kind == weft::io_kind::write || kind == weft::io_kind::recv ||
            kind == weft::io_kind::send;
        if (bytes && driver_->name() == "io_uring") poisoned_ = length;
        ASAN_POISON_MEMORY_REGION(buffer, poisoned_);
    }
    void unpoison() { ASAN_UNPOISON_MEMORY_REGION(buffer, poisoned_); }
    std::uint32_t poisoned_ = 0;
#else
    void poison() {}
    void unpoison() {}
#endif

    weft::io_driver* driver_;
    std::atomic<int> answers_{0};
    weft::task_completion_source<int> answer_{weft::creation_options::run_continuations_asynchronously};
};

}  // namespace weft_test
