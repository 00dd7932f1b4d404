// What does it cost to pass an item from task to task? Weft: a channel.
// SPDX-License-Identifier: MIT

#include "weft/channel.hpp"

#include <vector>

#include "parameters.hpp"
#include "support/weft.hpp"
#include "weft/when_all.hpp"

namespace {

using channel = weft::channel<std::uint64_t>;

weft::task<> produce(weft::channel_writer<std::uint64_t> to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) co_await to.write(i);
}

weft::task<std::uint64_t> consume(weft::channel_reader<std::uint64_t> from) {
    std::uint64_t sum = 0;
    for (;;) {
        const bool more = co_await from.wait_to_read();
        if (!more) co_return sum;
        while (const auto item = from.try_read()) sum += *item;
    }
}

weft::task<bench::cost> measure(
    std::uint64_t items, std::uint64_t producers, std::uint64_t consumers, std::uint64_t capacity) {
    const channel through = capacity == 0 ? channel::unbounded() : channel::bounded(capacity);
    const std::uint64_t each = items / producers;
    const bench::stopwatch watch;
    std::vector<weft::task<>> writing;
    std::vector<weft::task<std::uint64_t>> reading;
    for (std::uint64_t i = 0; i < consumers; ++i) reading.push_back(weft::run(consume, through.reader()));
    for (std::uint64_t i = 0; i < producers; ++i) writing.push_back(weft::run(produce, through.writer(), each));
    co_await weft::when_all(writing);
    through.writer().complete();
    const std::vector<std::uint64_t> sums = co_await weft::when_all(reading);
    const bench::cost cost = watch.each(each * producers);
    std::uint64_t sum = 0;
    for (const std::uint64_t one : sums) sum += one;
    if (sum != producers * (each * (each - 1) / 2)) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto items = arguments.number("items", bench::parameters::items);
    const auto producers = arguments.number("producers", bench::parameters::producers[0]);
    const auto consumers = arguments.number("consumers", bench::parameters::consumers[0]);
    const auto capacity = arguments.number("capacity", bench::parameters::capacity[0]);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure, items, producers, consumers, capacity);
        if (r > 0) bench::report("item", each);
    }
}
