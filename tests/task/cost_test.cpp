// What an await may cost: no locked instruction when it completes synchronously, no allocation when it suspends, no memory
// left behind by waits that were given up.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/scale.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/wait_async.hpp"
#include "weft/when_any.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

[[gnu::noinline]] task<int> add_one(int value) { co_return value + 1; }

[[maybe_unused]] task<int> sums(int count) {  // without the tracer nobody calls it
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += co_await add_one(i);
    co_return sum;
}

// Not in unoptimised builds: GCC passes memory orders at run time there, and then takes the strongest.
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !WEFT_ASAN && !WEFT_TSAN

// Whether the instruction at `code` locks the bus: a lock prefix, or an exchange with memory, which locks by itself.
bool is_locked(const unsigned char* code) {
    std::size_t i = 0;
    for (; i < 4; ++i) {
        if (code[i] == 0xf0) return true;
        const bool prefix = code[i] == 0x66 || code[i] == 0xf2 || code[i] == 0xf3 || (code[i] & 0xf0) == 0x40;
        if (!prefix) break;
    }
    return (code[i] == 0x86 || code[i] == 0x87) && (code[i + 1] & 0xc0) != 0xc0;
}

// Runs `count` synchronous calls and awaits in a child between two stops, and counts what a single step at a time shows.
struct steps {
    long instructions = 0;
    long locked = 0;
    bool traced = false;
};

steps step_through(int count) {
    const pid_t child = fork();
    if (child == 0) {
        int warm = sums(4).get();
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(3);
        raise(SIGSTOP);
        warm += sums(count).get();
        raise(SIGUSR1);
        _exit(warm == 0 ? 1 : 0);
    }
    steps seen;
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return seen;
    seen.traced = true;
    for (;;) {
        if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
        waitpid(child, &status, 0);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) break;
        user_regs_struct registers{};
        ptrace(PTRACE_GETREGS, child, nullptr, &registers);
        unsigned char code[16];
        for (std::size_t i = 0; i < 2; ++i) {
            const long word = ptrace(PTRACE_PEEKTEXT, child, registers.rip + i * 8, nullptr);
            std::memcpy(code + i * 8, &word, 8);
        }
        ++seen.instructions;
        if (is_locked(code)) ++seen.locked;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return seen;
}

TEST(cost, a_task_that_completes_synchronously_executes_no_locked_instruction) {
    const steps few = step_through(10);
    if (!few.traced) GTEST_SKIP() << "ptrace is not permitted here";
    const steps many = step_through(60);
    // The difference is 50 calls and awaits, without what surrounds them (get(), raise()).
    EXPECT_GT(many.instructions, few.instructions + 50);
    EXPECT_EQ(many.locked, few.locked);
    RecordProperty("instructions_per_call", static_cast<int>((many.instructions - few.instructions) / 50));
    std::printf(
        "[   cost   ] %ld instructions a synchronous call and await\n", (many.instructions - few.instructions) / 50);
}

#endif

task<> round_trips(manual_reset_value_task_source<>& ping, int count, std::size_t& allocated) {
    for (int i = 0; i < count; ++i) {
        value_task<> next(ping, ping.version());
        // Suspends and resumes on one thread: the test completes the source inline.
        const weft_test::allocation_counter counter;
        co_await std::move(next);
        allocated += counter.count();
    }
}

TEST(cost, suspending_allocates_nothing) {
    task<> warm_up = yield();  // makes the default runtime
    warm_up.get();
    manual_reset_value_task_source<> ping;
    std::size_t allocated = 0;
    task<> waiting = round_trips(ping, 100, allocated);
    for (int i = 0; i < 100; ++i) ping.set_result();
    waiting.get();
    EXPECT_EQ(allocated, 0);
}

task<> waits_for(task<> gate) { co_await gate; }

TEST(cost, after_a_warm_up_a_suspending_call_recycles_its_frame) {
    auto once = [] {
        task_completion_source<> gate;
        task<> waiting = waits_for(gate.task());
        gate.set_result();
        waiting.get();
    };
    for (int i = 0; i < 4; ++i) once();
    const weft_test::allocation_counter counter;
    for (int i = 0; i < 100; ++i) once();
    if (weft_test::allocation_counter::is_available) {
        EXPECT_EQ(counter.count(), 0U);
    }
}

std::size_t resident_kib() {
    std::size_t total = 0;
    std::size_t resident = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file != nullptr) {
        if (std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

task<> gives_up_on(task<> never, int count) {
    for (int i = 0; i < count; ++i) {
        task<when_any_pack_result<void, void>> any = when_any(never, completed_task());
        static_cast<void>(co_await any);
        cancellation_source source;
        task<> bounded = never.wait_async(source.token());
        source.cancel();
        co_await bounded.configure_await(configure_await_options::suppress_throwing);
    }
}

TEST(cost, a_million_waits_on_a_task_that_never_completes_leave_memory_flat) {
    task_completion_source<> never;
#ifdef NDEBUG
    const int count = weft_test::scaled(1'000'000);
#else
    const int count = weft_test::scaled(100'000);
#endif
    gives_up_on(never.task(), count / 10).get();
    [[maybe_unused]] const std::size_t before = resident_kib();
    gives_up_on(never.task(), count).get();
    EXPECT_EQ(never.task().core_or_null()->word.load(), 0U);
#if !WEFT_ASAN && !WEFT_TSAN
    EXPECT_LT(resident_kib(), before + 4096) << "KiB grew";
#endif
}

}  // namespace
