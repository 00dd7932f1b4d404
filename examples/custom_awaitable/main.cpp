// Awaitables of your own that are used over and over and allocate nothing: a plain C++ awaiter that belongs to the object it waits
// for, and a source of value_tasks that completes once a version. Both are counted by a replaced operator new. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

namespace {
thread_local std::size_t allocations = 0;  // of this thread: nobody else's work is counted
}

// A sanitizer brings operators of its own: there nothing is counted.
#if !WEFT_ASAN && !WEFT_TSAN
void* operator new(std::size_t size) {
    ++allocations;
    if (void* block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif

namespace {

constexpr int rounds = 1000;
constexpr int warm_up = 10;  // frames come from a pool that fills first

// Any type with these three members can be awaited. The awaiter is the object itself: `co_await pulse` makes nothing.
// One consumer, one producer, the same thread.
class pulse {
public:
    void beat(int value) {
        value_ = value;
        if (waiter_) std::exchange(waiter_, nullptr).resume();
    }

    [[nodiscard]] bool await_ready() const noexcept { return value_.has_value(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
    int await_resume() noexcept { return *std::exchange(value_, std::nullopt); }

private:
    std::coroutine_handle<> waiter_;
    std::optional<int> value_;
};

// The same for users who should see nothing but a value_task, which may also be combined and blocked on. The source counts
// versions, so that a value_task kept too long is refused instead of taking another's result.
class sensor {
public:
    [[nodiscard]] weft::value_task<int> next() { return weft::value_task<int>(source_, source_.version()); }
    void measure(int value) { source_.set_result(value); }

private:
    weft::manual_reset_value_task_source<int> source_;
};

weft::task<long> add_pulses(pulse& beats) {
    long total = 0;
    for (int i = 0; i < rounds; ++i) total += co_await beats;
    co_return total;
}

weft::task<long> add_measurements(sensor& measured) {
    long total = 0;
    for (int i = 0; i < rounds; ++i) total += co_await measured.next();
    co_return total;
}

// Feeds `count` values through `give`. @returns the allocations after the warm-up
template <class Give>
std::size_t feed(weft::event_loop_context& loop, Give give) {
    std::size_t before = 0;
    for (int i = 0; i < rounds; ++i) {
        if (i == warm_up) before = allocations;
        give(i);
        loop.run_pending();
    }
    return allocations - before;
}

bool report(const char* what, long total, std::size_t count) {
    std::printf("%s: the sum is %ld, %zu allocations in %d awaits\n", what, total, count, rounds - warm_up);
    return total == rounds * (rounds - 1L) / 2 && count == 0;
}

}  // namespace

int main() {
    weft::event_loop_context loop;
    pulse beats;
    sensor measured;
    weft::task<long> pulses;
    weft::task<long> measurements;
    {
        const weft::synchronization_context_scope scope(&loop);
        pulses = add_pulses(beats);
        measurements = add_measurements(measured);
    }
    const std::size_t of_pulses = feed(loop, [&](int value) { beats.beat(value); });
    const std::size_t of_measurements = feed(loop, [&](int value) { measured.measure(value); });

    const bool first = report("an awaiter of its own", loop.run_until(pulses), of_pulses);
    const bool second = report("a source of value_tasks", loop.run_until(measurements), of_measurements);
    return first && second ? 0 : 1;
}
