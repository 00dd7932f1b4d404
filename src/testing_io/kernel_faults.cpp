// src/testing_io/kernel_faults.cpp: what each member of the shim answers, all from one source of choices.
// SPDX-License-Identifier: MIT

#include "weft/testing_io/kernel_faults.hpp"

#include <array>
#include <cerrno>
#include <mutex>
#include <random>

#include "weft/io/kernel_shim.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

class random_chooser final : public chooser {
public:
    explicit random_chooser(std::uint64_t seed) : random_(seed) {}
    std::size_t choose(const char*, std::size_t options) override { return random_() % options; }

private:
    std::mt19937_64 random_;
};

constexpr std::size_t kinds = 64;  // more than io_kind has
constexpr std::size_t most_looks = 4;

}  // namespace

class kernel_faults::shim final : public kernel_shim {
public:
    explicit shim(std::uint64_t seed) : own_(std::make_unique<random_chooser>(seed)), choices_(own_.get()) {}
    explicit shim(chooser& choices) : choices_(&choices) {}

    struct failure {
        int error = 0;
        std::size_t next = 0;
        std::size_t one_in = 0;
    };
    struct rates {
        std::size_t short_transfers = 0;
        std::size_t late_answers = 0;
        std::size_t failing_visits = 0;
        std::size_t full_queues = 0;
    };

    template <class F>
    void change(F how) {
        const std::lock_guard lock(mutex_);
        how(rates_);
    }
    void change(io_kind kind, const failure& to) {
        const std::lock_guard lock(mutex_);
        failures_.at(static_cast<std::size_t>(kind)) = to;
    }
    [[nodiscard]] std::size_t count() {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    [[nodiscard]] std::size_t count(io_kind kind) {
        const std::lock_guard lock(mutex_);
        return counts_.at(static_cast<std::size_t>(kind));
    }

    std::uint32_t shorten(const io_operation& operation, std::uint32_t asked) noexcept override {
        const std::lock_guard lock(mutex_);
        if (asked <= 1 || !happens("kernel.short", rates_.short_transfers)) return asked;
        note(operation);
        const std::uint32_t parts[] = {1, asked / 2, asked - 1};
        return parts[choices_->choose("kernel.part", 3)];
    }
    int refuse(const io_operation& operation) noexcept override {
        const std::lock_guard lock(mutex_);
        failure& of = failures_.at(static_cast<std::size_t>(operation.kind));
        if (of.next != 0) {
            --of.next;
            ++count_;
            note(operation);
            return of.error;
        }
        if (!happens("kernel.fail", of.one_in)) return 0;
        note(operation);
        return of.error;
    }
    unsigned hold(const io_operation& operation) noexcept override {
        const std::lock_guard lock(mutex_);
        if (!happens("kernel.late", rates_.late_answers)) return 0;
        note(operation);
        return static_cast<unsigned>(1 + choices_->choose("kernel.looks", most_looks));
    }
    int visit() noexcept override {
        const std::lock_guard lock(mutex_);
        if (!happens("kernel.visit", rates_.failing_visits)) return 0;
        constexpr int errors[] = {EINTR, EAGAIN, EBUSY};
        return errors[choices_->choose("kernel.visit_error", 3)];
    }
    bool is_full() noexcept override {
        const std::lock_guard lock(mutex_);
        return happens("kernel.full", rates_.full_queues);
    }

private:
    // 0 is the plain case.
    bool happens(const char* kind, std::size_t one_in) {
        if (one_in == 0 || (one_in > 1 && choices_->choose(kind, one_in) != 1)) return false;
        ++count_;
        return true;
    }

    void note(const io_operation& operation) { ++counts_.at(static_cast<std::size_t>(operation.kind)); }

    std::mutex mutex_;
    std::unique_ptr<random_chooser> own_;
    chooser* choices_;
    rates rates_;
    std::array<failure, kinds> failures_{};
    std::array<std::size_t, kinds> counts_{};
    std::size_t count_ = 0;
};

kernel_faults::kernel_faults(std::uint64_t seed) : shim_(std::make_unique<shim>(seed)) { set_kernel_shim(shim_.get()); }
kernel_faults::kernel_faults(chooser& choices) : shim_(std::make_unique<shim>(choices)) { set_kernel_shim(shim_.get()); }
kernel_faults::~kernel_faults() { set_kernel_shim(nullptr); }

void kernel_faults::short_transfers(std::size_t one_in) {
    shim_->change([=](auto& rates) { rates.short_transfers = one_in; });
}
void kernel_faults::late_answers(std::size_t one_in) {
    shim_->change([=](auto& rates) { rates.late_answers = one_in; });
}
void kernel_faults::failing_visits(std::size_t one_in) {
    shim_->change([=](auto& rates) { rates.failing_visits = one_in; });
}
void kernel_faults::full_queues(std::size_t one_in) {
    shim_->change([=](auto& rates) { rates.full_queues = one_in; });
}
void kernel_faults::fail_next(io_kind kind, int error, std::size_t count) { shim_->change(kind, {error, count, 0}); }
void kernel_faults::fail_one_in(io_kind kind, int error, std::size_t one_in) { shim_->change(kind, {error, 0, one_in}); }

std::size_t kernel_faults::count() const { return shim_->count(); }
std::size_t kernel_faults::count(io_kind kind) const { return shim_->count(kind); }

}  // namespace weft::inline WEFT_ABI::testing
