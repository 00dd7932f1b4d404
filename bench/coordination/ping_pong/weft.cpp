// What does a message cost when two tasks answer each other? Weft: two channels.
// SPDX-License-Identifier: MIT

#include "support/weft.hpp"
#include "parameters.hpp"
#include "weft/channel.hpp"

namespace {

using channel = weft::channel<std::uint64_t>;

weft::task<> answer(weft::channel_reader<std::uint64_t> from, weft::channel_writer<std::uint64_t> to, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t message = co_await from.read();
        co_await to.write(message + 1);
    }
}

weft::task<bench::cost> measure(std::uint64_t messages) {
    const channel there = channel::bounded(1);
    const channel back = channel::bounded(1);
    weft::task<> other = weft::run(answer, there.reader(), back.writer(), messages / 2);
    const bench::stopwatch watch;
    std::uint64_t message = 0;
    for (std::uint64_t i = 0; i < messages / 2; ++i) {
        co_await there.writer().write(message + 1);
        message = co_await back.reader().read();
    }
    const bench::cost cost = watch.each(messages / 2 * 2);
    co_await other;
    if (message != messages / 2 * 2) std::abort();
    co_return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const auto messages = arguments.number("messages", bench::parameters::messages);
    const auto repetitions = arguments.number("repetitions", bench::parameters::repetitions);
    bench::weft_runtime runtime(arguments.number("workers", bench::parameters::workers[0]));
    for (std::uint64_t r = 0; r <= repetitions; ++r) {
        const bench::cost each = runtime.run(measure, messages);
        if (r > 0) bench::report("message", each);
    }
}
