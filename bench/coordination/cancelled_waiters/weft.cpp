// What does it cost to give up waiting, a million times, behind one who does not? Weft: tokens of their own at a semaphore, a mutex, a
// channel's reader and an event.
// SPDX-License-Identifier: MIT

#include <malloc.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/cancellation.hpp"
#include "weft/channel.hpp"
#include "weft/sync/async_manual_reset_event.hpp"
#include "weft/sync/async_mutex.hpp"
#include "weft/sync/async_semaphore.hpp"
#include "weft/yield.hpp"

namespace {

struct at_semaphore {
    static constexpr const char* name = "semaphore";
    weft::async_semaphore gate{0};
    weft::task<> wait(weft::cancellation_token token) { co_await gate.wait(token); }
    void serve_one() { gate.release(); }
};
struct at_mutex {
    static constexpr const char* name = "mutex";
    weft::async_mutex gate;
    std::optional<weft::async_mutex::guard> held = gate.try_lock();
    weft::task<> wait(weft::cancellation_token token) { const auto guard = co_await gate.lock(token); }
    void serve_one() { held.reset(); }
};
struct at_channel {
    static constexpr const char* name = "channel";
    weft::channel<int> items = weft::channel<int>::unbounded();
    weft::channel_reader<int> reader = items.reader();
    weft::task<> wait(weft::cancellation_token token) { static_cast<void>(co_await reader.read(token)); }
    void serve_one() {
        if (!items.writer().try_write(1)) std::abort();
    }
};
struct at_event {
    static constexpr const char* name = "event";
    weft::async_manual_reset_event gate;
    weft::task<> wait(weft::cancellation_token token) { co_await gate.wait(token); }
    void serve_one() { gate.set(); }
};

double allocated_bytes() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

void shuffle(std::vector<std::uint32_t>& order) {
    std::shuffle(order.begin(), order.end(), std::mt19937(7));  // NOLINT(*-msc51-cpp): the same each time
}

/// The yardstick: reads from one place to the next, in as much memory as the waiters take, in random order.
double random_read(std::uint64_t places) {
    struct place {
        const place* next = nullptr;
        std::array<char, 312> waiter{};
    };
    std::vector<place> all(places);
    std::vector<std::uint32_t> order(places);
    std::iota(order.begin(), order.end(), 0U);
    shuffle(order);
    for (std::size_t i = 0; i < places; ++i) all[order[i]].next = &all[order[(i + 1) % places]];
    const place* at = all.data();
    const auto start = bench::clock::now();
    for (std::uint64_t i = 0; i < places; ++i) at = at->next;
    bench::keep(at);
    return bench::nanoseconds_each(start, places);
}

struct measures {
    std::vector<std::int64_t> each;
    double bytes = 0;
    double bytes_after = 0;
};

template <class Place>
weft::task<measures> give_up(std::uint64_t waiters, bool shuffled) {
    measures found;
    found.each.resize(waiters);
    Place place;
    std::vector<std::uint32_t> order(waiters);
    std::iota(order.begin(), order.end(), 0U);
    if (shuffled) shuffle(order);

    weft::task<> live = place.wait({});
    const double before = allocated_bytes();
    {
        std::vector<weft::cancellation_source> sources;
        std::vector<weft::task<>> waiting;
        sources.reserve(waiters);
        waiting.reserve(waiters);
        for (std::uint64_t i = 0; i < waiters; ++i) {
            sources.emplace_back();
            waiting.push_back(place.wait(sources.back().token()));
        }
        found.bytes = (allocated_bytes() - before) / static_cast<double>(waiters);
        auto last = bench::clock::now();
        for (std::size_t i = 0; i < waiters; ++i) {
            sources[order[i]].cancel();
            const auto now = bench::clock::now();
            found.each[i] = std::chrono::nanoseconds(now - last).count();
            last = now;
        }
        for (weft::task<>& each : waiting) {
            while (!each.is_completed()) co_await weft::yield();
            if (!each.is_canceled()) std::abort();
        }
    }
    found.bytes_after = allocated_bytes() - before;
    if (live.is_completed()) std::abort();
    place.serve_one();
    co_await live;
    co_return found;
}

template <class Place>
void measure(bench::weft_runtime& runtime, std::uint64_t waiters, bool reported) {
    for (const bool shuffled : {false, true}) {
        measures found = runtime.run(give_up<Place>, waiters, shuffled);
        if (!reported) continue;
        std::sort(found.each.begin(), found.each.end());
        const std::string name = std::string(Place::name) + (shuffled ? "_shuffled" : "_in_order");
        const auto at = [&](std::size_t percent) {
            return static_cast<double>(found.each[(found.each.size() - 1) * percent / 100]);
        };
        bench::report((name + "_p50").c_str(), "ns", at(50));
        bench::report((name + "_p99").c_str(), "ns", at(99));
        if (!shuffled) bench::report((std::string(Place::name) + "_bytes").c_str(), "B", found.bytes);
        if (shuffled) bench::report((std::string(Place::name) + "_kept").c_str(), "MB", found.bytes_after / 1e6);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto waiters = arguments.number("waiters", bench::parameters::waiters);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bool reported = r > 0;
        measure<at_semaphore>(runtime, waiters, reported);
        measure<at_mutex>(runtime, waiters, reported);
        measure<at_channel>(runtime, waiters, reported);
        measure<at_event>(runtime, waiters, reported);
        const double yardstick = random_read(waiters);
        if (reported) bench::report("random_read", "ns", yardstick);
    }
}
