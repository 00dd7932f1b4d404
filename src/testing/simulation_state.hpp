#pragma once
// One simulated run of an ordinary test: the world, who may step it, and the guard that keeps a test from hanging.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/scheduler_state.hpp"
#include "testing/trace.hpp"
#include "weft/testing/simulation.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace detail {

/// Answers as another decider does, until the test leaves the simulation; then with the plain order.
class leaving_decider final : public decider {
public:
    leaving_decider(std::unique_ptr<decider> inner, const std::atomic<bool>& left)
        : inner_(std::move(inner)), left_(left) {}
    std::size_t decide(const decision& what) override { return gone() ? 0 : inner_->decide(what); }
    std::optional<std::uint64_t> random() override { return gone() ? std::nullopt : inner_->random(); }
    [[nodiscard]] bool looks_at_chains() const noexcept override { return !gone() && inner_->looks_at_chains(); }
    [[nodiscard]] bool preempts() const noexcept override { return !gone() && inner_->preempts(); }

private:
    [[nodiscard]] bool gone() const noexcept { return left_.load(std::memory_order_relaxed); }

    const std::unique_ptr<decider> inner_;
    const std::atomic<bool>& left_;
};

/// While it lives, the calling thread is busy with an exploration of its own, and no guard counts the time.
class busy_elsewhere {
public:
    busy_elsewhere() noexcept { ++count; }
    ~busy_elsewhere() { --count; }
    busy_elsewhere(const busy_elsewhere&) = delete;
    busy_elsewhere& operator=(const busy_elsewhere&) = delete;

    static inline std::atomic<int> count{0};
};

}  // namespace detail

/// Steps are taken under a lock, which is let go while an item runs: as long as the test stays in the simulation only its own
/// thread steps; once it has left, the guard's does so, too, as the threads of a pool would.
class simulated_test::state final : public detail::visitor {
public:
    state(std::string test, std::size_t number);
    ~state() override;

    bool run_until(bool (*done)(void*), void* argument) override;
    void leaves(const char* how) noexcept override;
    void posted() noexcept override;

    const std::string name;
    const std::size_t schedule;
    std::string found_by;
    std::string reason;  // how the test left; guarded by saying

    mutable std::mutex saying;
    std::atomic<bool> left{false};
    std::unique_ptr<detail::trace> notes;
    std::unique_ptr<deterministic_scheduler> scheduler;

private:
    class wait_in_force;
    enum class outcome : std::uint8_t { stepped, idle, early };

    [[nodiscard]] std::unique_ptr<detail::decider> choose_decider();
    [[nodiscard]] outcome step();
    bool others_help(bool (*done)(void*), void* argument);
    void pause(std::chrono::nanoseconds longest);
    void watch();
    void help();
    void look_for_a_hang(std::uint64_t seen);
    [[noreturn]] void give_up() noexcept;

    std::vector<std::pair<bool (*)(void*), void*>> waits_;  // of the test's thread, outermost first
    std::uint64_t seed_ = 0;
    std::size_t threads_at_first_ = 0;
    const std::thread::id owner_ = std::this_thread::get_id();
    std::atomic<std::uint64_t> progress_{0};
    std::mutex mutex_;  // guards ending_, news_
    std::condition_variable changed_;
    bool ending_ = false;
    bool news_ = false;  // something was posted
    std::atomic<bool> guard_gone_{false};
    std::chrono::steady_clock::time_point last_progress_;  // the guard's own
    std::chrono::nanoseconds limit_;
    std::thread guard_;
};

}  // namespace weft::inline WEFT_ABI::testing
