// Being a polite client and a careful server: so many calls a second and so many at a time, a limiter for each user, and a loop that
// ticks. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

// The client: five calls each 20 ms, at most two at a time. Callers wait for their turn.
weft::task<int> call(weft::rate_limiter& limiter, int number) {
    weft::rate_limit_lease lease = co_await limiter.acquire();
    if (!lease.is_acquired()) co_return 0;  // the queue is full, or the limiter went
    co_await weft::delay(1ms);
    co_return number;
}

weft::task<bool> polite_client() {
    const auto rate = std::make_shared<weft::token_bucket_rate_limiter>(weft::token_bucket_rate_limiter_options{
        .token_limit = 5, .tokens_per_period = 5, .replenishment_period = 20ms, .queue_limit = 100});
    const auto width = std::make_shared<weft::concurrency_limiter>(
        weft::concurrency_limiter_options{.permit_limit = 2, .queue_limit = 100});
    const std::unique_ptr<weft::rate_limiter> both = weft::chained(rate, width);

    const auto begun = std::chrono::steady_clock::now();
    std::vector<weft::task<int>> calls;
    for (int i = 1; i <= 12; ++i) calls.push_back(call(*both, i));
    int done = 0;
    for (const weft::task<int>& each : calls) {
        const int number = co_await each;
        if (number > 0) ++done;
    }
    const auto took = std::chrono::steady_clock::now() - begun;
    std::printf("client: %d calls, %s\n", done, took >= 40ms ? "no faster than agreed" : "too fast");
    co_return done == 12 && took >= 40ms;
}

// The server: each user may do three things a minute. Nobody waits; a refusal says when to come again.
weft::task<bool> careful_server() {
    weft::partitioned_rate_limiter<std::string> users([](const std::string&) {
        return std::make_shared<weft::fixed_window_rate_limiter>(
            weft::fixed_window_rate_limiter_options{.permit_limit = 3, .window = 1min});
    });
    int served = 0;
    int refused = 0;
    for (const std::string user : {"ada", "ada", "bob", "ada", "ada"}) {
        const weft::rate_limit_lease lease = users.attempt_acquire(user);
        if (lease.is_acquired()) {
            ++served;
            continue;
        }
        ++refused;
        const auto wait = std::chrono::ceil<std::chrono::seconds>(lease.retry_after().value_or(0s));
        std::printf("server: 429 for %s%s\n", user.c_str(), wait > 0s && wait <= 60s ? ", try again within a minute" : "");
    }
    co_return served == 4 && refused == 1;
}

// A loop with a steady rhythm that is told to stop.
weft::task<bool> heartbeat() {
    weft::periodic_timer beat(2ms);
    int beats = 0;
    for (;;) {
        const bool goes_on = co_await beat.wait_for_next_tick();
        if (!goes_on) break;
        if (++beats == 5) beat.dispose();
    }
    std::printf("heartbeat: %d\n", beats);
    co_return beats == 5;
}

weft::task<int> async_main() {
    const bool client = co_await polite_client();
    const bool server = co_await careful_server();
    const bool steady = co_await heartbeat();
    co_return client&& server&& steady ? 0 : 1;
}

}  // namespace

int main() { return weft::run_main(async_main); }
