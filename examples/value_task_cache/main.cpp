// A cache whose hits cost no allocation and no suspension, and whose misses are awaited: the case that value_task is for. The
// member that is called is a plain function; only the miss is a coroutine. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <unordered_map>

using namespace std::chrono_literals;

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

// Belongs to one thread at a time. Callers that miss the same product at once share one load.
class price_cache {
public:
    weft::value_task<double> price_of(int product) {
        if (const auto found = prices_.find(product); found != prices_.end()) return found->second;
        if (const auto running = loading_.find(product); running != loading_.end()) return running->second;
        weft::task<double> loading = load(product);
        loading_.emplace(product, loading);
        return loading;
    }
    [[nodiscard]] int loads() const { return loads_; }

private:
    weft::task<double> load(int product) {
        ++loads_;
        co_await weft::delay(2ms);  // stands for the service that knows
        const double price = product * 1.25;
        prices_.emplace(product, price);
        loading_.erase(product);
        co_return price;
    }

    std::unordered_map<int, double> prices_;
    std::unordered_map<int, weft::task<double>> loading_;
    int loads_ = 0;
};

weft::task<int> async_main() {
    price_cache cache;
    weft::value_task<double> first = cache.price_of(4);
    weft::value_task<double> meanwhile = cache.price_of(4);  // shares the load
    const bool waited = !first.is_completed();
    const double price = co_await std::move(first);
    const double same = co_await std::move(meanwhile);
    std::printf("miss: %.2f, %s, %d load for two callers\n", price, waited ? "awaited" : "there at once", cache.loads());

    const std::size_t before = allocations;
    double total = 0;
    for (int i = 0; i < 1000; ++i) total += co_await cache.price_of(4);
    const std::size_t of_hits = allocations - before;
    std::printf("1000 hits: %.2f in all, %zu allocations, %d load\n", total, of_hits, cache.loads());

    const bool right = waited && price == 5.0 && same == 5.0 && cache.loads() == 1 && total == 5000.0 && of_hits == 0;
    co_return right ? 0 : 1;
}

}  // namespace

int main() {
    weft::event_loop_context loop;
    weft::task<int> running;
    {
        const weft::synchronization_context_scope scope(&loop);
        running = async_main();
    }
    return loop.run_until(running);
}
