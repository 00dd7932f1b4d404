// Many pages, a few at a time: parallel_for_each() with a degree, a failure that stops the rest, and a cancellation. The pages are
// pretended: each takes some milliseconds and no thread. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

weft::task<std::size_t> download(std::string url, weft::cancellation_token token) {
    co_await weft::delay(3ms, token);
    if (url.ends_with("/7")) throw std::runtime_error("no such page: " + url);
    co_return url.size();
}

std::vector<std::string> pages(int count) {
    std::vector<std::string> urls;
    for (int i = 0; i < count; ++i) urls.push_back("https://example.org/" + std::to_string(i));
    return urls;
}

struct tally {
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<int> pages{0};
    std::atomic<std::size_t> bytes{0};

    void enter() {
        const int now = inside.fetch_add(1) + 1;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {}
    }
    void leave() { inside.fetch_sub(1); }
};

/// Four at a time. The loop owns the body; bodies run on several threads, so what they share is atomic.
weft::task<> load_all(std::vector<std::string> urls, tally& sum, weft::cancellation_token token) {
    auto body = [&sum](const std::string& url, weft::cancellation_token stop) -> weft::task<> {
        sum.enter();
        const weft::scope_exit left([&sum] { sum.leave(); });
        const std::size_t size = co_await download(url, stop);
        sum.bytes.fetch_add(size);
        sum.pages.fetch_add(1);
    };
    weft::task<> loop = weft::parallel_for_each(urls, {.max_degree_of_parallelism = 4}, body, token);
    co_await loop;
}

weft::task<int> async_main() {
    tally few;
    co_await load_all(pages(7), few, weft::cancellation_token());
    std::printf("%d pages, at most %d at a time\n", few.pages.load(), few.most.load());

    // Page 7 fails: the pages that are being loaded are told to stop, and no other is begun.
    tally broken;
    const auto failed = co_await load_all(pages(1000), broken, weft::cancellation_token()).as_outcome();
    std::string why = "nothing";
    try {
        failed.value();
    } catch (const std::exception& error) {
        why = error.what();
    }
    std::printf("stopped by '%s'\n", why.c_str());

    // A limit of time for the whole loop.
    tally cut;
    weft::cancellation_source limit(30ms);
    const auto ended = co_await load_all(pages(7), few, limit.token()).as_outcome();
    weft::cancellation_source at_once;
    at_once.cancel();
    const auto canceled = co_await load_all(pages(1000), cut, at_once.token()).as_outcome();
    std::printf("in time: %s; cancelled: %s after %d pages\n", ended.has_value() ? "yes" : "no",
        canceled.is_canceled() ? "yes" : "no", cut.pages.load());

    const bool right = few.pages.load() >= 7 && few.most.load() <= 4 && failed.is_faulted() && broken.pages.load() < 20 &&
        canceled.is_canceled() && cut.pages.load() == 0;
    co_return right ? 0 : 1;
}

}  // namespace

int main() { return weft::run_main(async_main); }
