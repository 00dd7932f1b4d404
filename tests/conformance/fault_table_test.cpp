// tests/conformance/fault_table_test.cpp: every kind of operation under every fault that applies to it, on every driver. The promises
// are those of docs/io-promises.md; scripts/faults counts the pairs.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "attempt.hpp"
#include "fault_subjects.hpp"
#include "support/eventually.hpp"
#include "weft/scheduling/block_on.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/testing_io/kernel_faults.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace weft_test {

using namespace weft;

namespace {

/// What a fault needs to know.
struct scene {
    stage& on;
    const subject_kind& kind;
    int error;  ///< of the fault "error"
    weft::testing::kernel_faults* faults;
};

/// One undisturbed or disturbed operation from start to end.
/// @param expect  what it must come to; may be called once
template <class Expect>
task<> once(scene& in, Expect expect, bool partly = false) {
    const std::unique_ptr<subject> about = in.kind.make();
    co_await about->prepare(in.on);
    attempt record(in.on, in.kind.kind, *about);
    record.submit();
    co_await about->let_go(in.on);
    const int result = co_await record.answer();
    EXPECT_TRUE(expect(*about, result, partly))
        << in.kind.name << " came to " << result << " (" << std::strerror(-result) << ")";
    EXPECT_EQ(record.answers(), 1);
    co_await about->clean(in.on, result);
}

bool right(subject& about, int result, bool partly) { return about.is_right(result, partly); }

// ---- the faults. Each is a coroutine for one pair.

/// Whether a driver's shim had a hand in an operation of this kind; what goes wrong at random is tried until it has.
bool is_disturbed(const scene& in) { return in.faults == nullptr || in.faults->count(in.kind.kind) != 0; }

task<> interrupted(scene& in) {
    const std::unique_ptr<subject> about = in.kind.make();
    co_await about->prepare(in.on);
    in.faults->fail_next(in.kind.kind, EINTR, in.kind.kind == io_kind::close ? 1 : 3);
    attempt record(in.on, in.kind.kind, *about);
    record.submit();
    co_await about->let_go(in.on);
    const int result = co_await record.answer();
    in.faults->fail_next(in.kind.kind, 0, 0);
    EXPECT_TRUE(about->is_right(result, in.kind.moves)) << result;
    EXPECT_TRUE(is_disturbed(in));
    co_await about->clean(in.on, result);
}

task<> not_ready(scene& in) {
    const std::unique_ptr<subject> about = in.kind.make();
    co_await about->prepare(in.on);
    in.faults->fail_next(in.kind.kind, EAGAIN, 3);
    attempt record(in.on, in.kind.kind, *about);
    record.submit();
    co_await about->let_go(in.on);
    const int result = co_await record.answer();
    EXPECT_TRUE(about->is_right(result, in.kind.moves)) << result;
    EXPECT_TRUE(is_disturbed(in));
    co_await about->clean(in.on, result);
}

task<> fails_once(scene& in) {
    const std::unique_ptr<subject> about = in.kind.make();
    co_await about->prepare(in.on);
    if (in.faults != nullptr) in.faults->fail_next(in.kind.kind, in.error);
    else in.on.simulated->faults().fail_next(in.kind.kind, in.error);
    attempt record(in.on, in.kind.kind, *about);
    record.submit();
    const int result = co_await record.answer();
    EXPECT_EQ(result, -in.error);
    EXPECT_EQ(record.answers(), 1);
    co_await about->clean(in.on, result);
    co_await once(in, right, in.kind.moves);  // and not again
}

task<> cut_short(scene& in) {
    for (int i = 0; i < 8; ++i) {
        const std::unique_ptr<subject> about = in.kind.make();
        co_await about->prepare(in.on);
        if (in.faults != nullptr) {
            in.faults->short_transfers(1);
        } else {
            in.on.simulated->faults().short_reads();
            in.on.simulated->faults().short_writes();
        }
        attempt record(in.on, in.kind.kind, *about);
        record.submit();
        co_await about->let_go(in.on);
        const int result = co_await record.answer();
        EXPECT_TRUE(about->is_right(result, true)) << result;
        if (in.faults != nullptr) in.faults->short_transfers(0);
        co_await about->clean(in.on, result);
    }
    EXPECT_TRUE(is_disturbed(in));
}

task<> late(scene& in) {
    if (in.faults != nullptr) in.faults->late_answers(1);
    else in.on.simulated->faults().disk_latency(std::chrono::milliseconds(1), std::chrono::seconds(1));
    co_await once(in, right, in.kind.moves);
    EXPECT_TRUE(is_disturbed(in));
}

/// Several at a time, the one submitted last let go first.
task<> several_at_once(scene& in) {
    constexpr std::size_t many = 4;
    std::vector<std::unique_ptr<subject>> about;
    std::vector<std::unique_ptr<attempt>> records;
    for (std::size_t i = 0; i < many; ++i) {
        about.push_back(in.kind.make());
        co_await about.back()->prepare(in.on);
    }
    for (std::size_t i = 0; i < many; ++i) {
        records.push_back(std::make_unique<attempt>(in.on, in.kind.kind, *about[i]));
        records.back()->submit();
    }
    for (std::size_t i = many; i-- > 0;) co_await about[i]->let_go(in.on);
    for (std::size_t i = 0; i < many; ++i) {
        const int result = co_await records[i]->answer();
        EXPECT_TRUE(about[i]->is_right(result, in.kind.moves)) << result;
        EXPECT_EQ(records[i]->answers(), 1);
        co_await about[i]->clean(in.on, result);
    }
}

/// And answered in another order.
task<> out_of_order(scene& in) {
    in.faults->late_answers(2);
    for (int i = 0; i < 64 && (i == 0 || !is_disturbed(in)); ++i) co_await several_at_once(in);
    EXPECT_TRUE(is_disturbed(in));
}

task<> visits_fail(scene& in) {
    in.faults->failing_visits(2);
    for (int i = 0; i < 16 || (i < 1000 && in.faults->count() == 0); ++i) co_await once(in, right, in.kind.moves);
    EXPECT_GT(in.faults->count(), 0U);
}

task<> queue_full(scene& in) {
    in.faults->full_queues(2);
    for (int i = 0; i < 32; ++i) co_await once(in, right, in.kind.moves);
    EXPECT_GT(in.faults->count(), 0U);
}

task<> cancelled_before(scene& in) {
    const std::unique_ptr<subject> about = in.kind.make();
    co_await about->prepare(in.on);
    attempt record(in.on, in.kind.kind, *about);
    record.cancel();
    record.submit();
    const int result = co_await record.answer();
    // A close is never taken back: the descriptor would be lost.
    if (in.kind.kind == io_kind::close) EXPECT_TRUE(one_of(result, {0, -ECANCELED}));
    else EXPECT_EQ(result, -ECANCELED);
    EXPECT_EQ(record.answers(), 1);
    co_await about->clean(in.on, result);
}

bool right_or_cancelled(subject& about, int result, bool partly) {
    return result == -ECANCELED || about.is_right(result, partly);
}

task<> cancelled_while_waiting(scene& in) {
    for (int i = 0; i < 4; ++i) {
        const std::unique_ptr<subject> about = in.kind.make();
        co_await about->prepare(in.on);
        attempt record(in.on, in.kind.kind, *about);
        record.submit();
        for (int turn = 0; turn < i; ++turn) co_await yield();
        record.cancel();
        const int result = co_await record.answer();
        if (in.kind.waits) EXPECT_EQ(result, -ECANCELED);
        else EXPECT_TRUE(right_or_cancelled(*about, result, in.kind.moves)) << result;
        EXPECT_EQ(record.answers(), 1);
        co_await about->clean(in.on, result);
    }
}

/// The result is there, or about to be, and the cancellation too: one of them.
task<> cancelled_when_answered(scene& in) {
    if (in.faults != nullptr) in.faults->late_answers(2);
    for (int i = 0; i < 16; ++i) {
        const std::unique_ptr<subject> about = in.kind.make();
        co_await about->prepare(in.on);
        attempt record(in.on, in.kind.kind, *about);
        record.submit();
        co_await about->let_go(in.on);
        for (int turn = 0; turn < i % 4; ++turn) co_await yield();
        record.cancel();
        const int result = co_await record.answer();
        EXPECT_TRUE(right_or_cancelled(*about, result, in.kind.moves)) << result;
        EXPECT_EQ(record.answers(), 1);
        co_await about->clean(in.on, result);
    }
}

task<> no_descriptor(scene& in) {
    const std::unique_ptr<subject> about = in.kind.make();
    co_await about->prepare(in.on);
    attempt record(in.on, in.kind.kind, *about);
    record.spoil_descriptor();
    record.submit();
    const int result = co_await record.answer();
    EXPECT_EQ(result, -EBADF);
    co_await about->clean(in.on, -ECANCELED);
}

/// A thread that owns no part of the driver starts it, and another one cancels the next.
task<> from_elsewhere(scene& in) {
    for (const bool cancel : {false, true}) {
        const std::unique_ptr<subject> about = in.kind.make();
        co_await about->prepare(in.on);
        attempt record(in.on, in.kind.kind, *about);
        std::thread([&] { record.submit(); }).join();
        if (cancel) std::thread([&] { record.cancel(); }).join();
        else co_await about->let_go(in.on);
        const int result = co_await record.answer();
        EXPECT_TRUE(cancel ? right_or_cancelled(*about, result, in.kind.moves) : about->is_right(result, in.kind.moves))
            << result;
        co_await about->clean(in.on, result);
    }
}

/// Everything at once, again and again.
task<> all_at_once(scene& in) {
    in.faults->failing_visits(4);
    in.faults->full_queues(4);
    in.faults->late_answers(3);
    in.faults->short_transfers(3);
    if (in.kind.kind != io_kind::close) in.faults->fail_one_in(in.kind.kind, EINTR, 3);
    for (int i = 0; i < 16; ++i) co_await once(in, right, in.kind.moves);
    EXPECT_GT(in.faults->count(), 0U);
}

// ---- the table

struct fault {
    const char* name;
    task<> (*run)(scene&);
    bool (*applies)(const subject_kind&, backend);
    bool with_error = false;
};

bool on_kernel(const subject_kind&, backend where) { return where != backend::simulated; }
bool on_uring(const subject_kind&, backend where) { return where == backend::io_uring; }
bool always(const subject_kind&, backend) { return true; }

/// Kinds without an opcode are system calls on a blocking thread, on io_uring, too.
bool in_ring(const subject_kind& kind, backend where) {
    switch (kind.kind) {
        case io_kind::truncate:
        case io_kind::change_mode:
        case io_kind::copy_range:
        case io_kind::read_directory:
        case io_kind::read_link: return false;
        default: return where == backend::io_uring;
    }
}

/// Of the simulation's operations those on a disk take time.
bool on_disk(const subject_kind& kind) {
    return !kind.sockets_only && kind.kind != io_kind::nop && kind.kind != io_kind::poll && kind.kind != io_kind::close;
}

/// A no-op on epoll is over before anybody could disturb it.
bool reaches_kernel(const subject_kind& kind, backend where) {
    return where == backend::io_uring || (where == backend::epoll && kind.kind != io_kind::nop);
}

const std::vector<fault>& faults() {
    static const std::vector<fault> all = {
        {"interrupted", &interrupted, &reaches_kernel},
        {"not_ready", &not_ready,
            [](const subject_kind& kind, backend where) { return kind.sockets_only && where == backend::io_uring; }},
        {"error", &fails_once, [](const subject_kind&, backend) { return true; }, true},
        {"cut_short", &cut_short, [](const subject_kind& kind, backend) { return kind.moves; }},
        {"late", &late,
            [](const subject_kind& kind, backend where) {
                return in_ring(kind, where) || (where == backend::simulated && on_disk(kind));
            }},
        {"several_at_once", &several_at_once, &always},
        {"out_of_order", &out_of_order, &in_ring},
        {"visits_fail", &visits_fail, &reaches_kernel},
        {"queue_full", &queue_full, &in_ring},
        {"cancelled_before", &cancelled_before, &always},
        {"cancelled_while_waiting", &cancelled_while_waiting, &always},
        {"cancelled_when_answered", &cancelled_when_answered, &always},
        {"no_descriptor", &no_descriptor, [](const subject_kind& kind, backend) { return kind.has_descriptor; }},
        {"from_elsewhere", &from_elsewhere, &on_kernel},
        {"all_at_once", &all_at_once, &on_uring},
    };
    return all;
}

class pair_test : public ::testing::Test {
public:
    pair_test(const subject_kind& kind, const fault& what, int error, backend where)
        : kind_(kind), fault_(what), error_(error), where_(where) {}

    void TestBody() override {
        run_on(where_, [this](stage& on) { return run(on); });
    }

private:
    task<> run(stage& on) {
        std::unique_ptr<weft::testing::kernel_faults> shim;
        if (on.simulated == nullptr) shim = std::make_unique<weft::testing::kernel_faults>(std::uint64_t{42});
        scene in{on, kind_, error_, shim.get()};
        co_await fault_.run(in);
    }

    const subject_kind& kind_;
    const fault& fault_;
    int error_;
    backend where_;
};

void enlist(const subject_kind& kind, const fault& what, int error, backend where) {
    std::string name = std::string(kind.name) + "." + what.name;
    if (error != 0) name += std::string("_") + ::strerrorname_np(error);
    ::testing::RegisterTest(("fault_table_" + name_of(where)).c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [&kind, &what, error, where]() -> ::testing::Test* { return new pair_test(kind, what, error, where); });
}

/// Before main() looks for tests.
const bool enlisted = [] {
    for (const backend where : {backend::simulated, backend::epoll, backend::io_uring}) {
        for (const subject_kind& kind : subject_kinds()) {
            for (const fault& what : faults()) {
                if (!what.applies(kind, where)) continue;
                if (!what.with_error) enlist(kind, what, 0, where);
                else
                    for (const int error : kind.errors) enlist(kind, what, error, where);
            }
        }
    }
    return true;
}();

}  // namespace
}  // namespace weft_test
