// Tasks that wait for each other without blocking a thread: a shop with a connection that is opened once, two tills, one
// ledger, a bell and a closing time. Each primitive stands where it belongs; the last lines show that a cancelled wait takes
// nothing. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct shop {
    // Made by the first customer who needs it; the others wait for the same one.
    weft::async_lazy<std::string> connection{[this]() -> weft::task<std::string> {
        ++connections;
        co_await weft::delay(2ms);
        co_return "bank";
    }};
    weft::async_manual_reset_event open;    // a door: everybody at once
    weft::async_semaphore tills{2, 2};      // at most two customers pay
    weft::async_mutex ledger;               // one writes
    weft::async_condition_variable bought;  // something was written
    weft::async_countdown_event inside{1};  // customers, and the shop itself
    std::vector<int> sold;                  // guarded by ledger
    int connections = 0;
    int paying = 0;  // guarded by ledger, too: for the check below
    int most_paying = 0;
};

weft::task<> customer(shop& in, int number) {
    co_await in.open.wait();
    const std::string& bank = co_await in.connection.value();
    {
        const weft::semaphore_permit till = co_await in.tills.acquire();
        {
            const auto lock = co_await in.ledger.lock();
            in.most_paying = std::max(in.most_paying, ++in.paying);
        }
        co_await weft::delay(1ms);  // paying, with the till held
        const auto lock = co_await in.ledger.lock();
        --in.paying;
        in.sold.push_back(number);
        std::printf("customer %d paid through the %s\n", number, bank.c_str());
    }
    in.bought.notify_all();
    in.inside.signal();
}

// Waits until so many have paid: the predicate is looked at with the ledger locked.
weft::task<> manager(shop& in, std::size_t goal) {
    weft::async_mutex::guard lock = co_await in.ledger.lock();
    auto reached = [&in, goal] { return in.sold.size() >= goal; };
    co_await in.bought.wait(lock, reached);
    std::printf("the manager has seen %zu sales\n", in.sold.size());
}

struct logbook {
    weft::async_mutex turn;
    std::vector<std::string> lines;  // guarded by turn; the barrier's action needs no lock, for everybody else waits
};

weft::task<> write(logbook& log, std::string line) {
    const auto lock = co_await log.turn.lock();
    log.lines.push_back(std::move(line));
}

// Two clerks close together: neither goes home before the other has counted. Behind the barrier they run at the same time.
weft::task<> clerk(weft::async_barrier& closing, logbook& log, std::string name) {
    weft::task<> counted = write(log, name + " counts");
    co_await std::move(counted);
    co_await closing.signal_and_wait();
    weft::task<> gone = write(log, name + " goes home");
    co_await std::move(gone);
}

// A wait that is cancelled, or gives up, takes no permit.
weft::task<bool> cancelled_waits_take_nothing() {
    weft::async_semaphore gate(0);
    weft::cancellation_source stop;
    weft::task<> waiting = gate.wait(stop.token());
    stop.cancel();
    const auto end = co_await waiting.as_outcome();
    const bool in_time = co_await gate.wait(1ms);
    gate.release();
    std::printf("cancelled: %s, in time: %s, permits: %d\n", end.is_canceled() ? "yes" : "NO", in_time ? "YES" : "no",
        gate.current_count());
    co_return end.is_canceled() && !in_time && gate.current_count() == 1;
}

weft::task<int> async_main(int, char**) {
    shop here;
    std::vector<weft::task<>> people;
    for (int number = 0; number < 6; ++number) {
        here.inside.add_count();
        people.push_back(customer(here, number));
    }
    weft::task<> watching = manager(here, 6);
    here.open.set();
    here.inside.signal();  // the shop's own count: from here on the last customer sets it
    co_await here.inside.wait();
    co_await std::move(watching);
    co_await weft::when_all(std::move(people));

    logbook log;
    weft::async_barrier closing(2, [&log](weft::async_barrier&) { log.lines.push_back("the door is locked"); });
    weft::task<> first = clerk(closing, log, "Ann");
    weft::task<> second = clerk(closing, log, "Bob");
    co_await std::move(first);
    co_await std::move(second);
    for (const std::string& line : log.lines) std::printf("%s\n", line.c_str());

    weft::task<bool> nothing_taken = cancelled_waits_take_nothing();
    const bool none = co_await std::move(nothing_taken);
    const bool right = here.sold.size() == 6 && here.connections == 1 && here.most_paying <= 2 && none &&
        log.lines.size() == 5 && log.lines[2] == "the door is locked";
    co_return right ? 0 : 1;
}

}  // namespace

int main(int argument_count, char** arguments) { return weft::run_main(async_main, argument_count, arguments); }
