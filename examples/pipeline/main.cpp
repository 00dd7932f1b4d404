// A pipeline of channels: a reader finds lines, a few workers count their words, a collector adds up; and a supervisor that waits for
// the results, the end or a time limit at once. The channels are small, so a slow stage holds up the one before it. Two onlookers follow
// the running total: one every value, one the newest. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int lines = 200;
constexpr int workers = 3;

weft::task<> find_lines(weft::channel_writer<std::string> to) {
    for (int number = 0; number < lines; ++number) {
        std::string line = "line " + std::to_string(number) + " of the text";
        co_await to.write(std::move(line));  // waits while the workers are busy
    }
    to.complete();
}

weft::task<> count_words(weft::channel_reader<std::string> from, weft::channel_writer<int> to) {
    // Several workers share the lines; each line goes to one.
    weft::async_stream<std::string> every_line = from.read_all();
    while (const auto line = co_await every_line.next()) {
        int words = 1;
        for (const char each : *line)
            if (each == ' ') ++words;
        co_await weft::delay(100us);  // stands for work that waits
        co_await to.write(words);
    }
}

weft::task<> all_workers(weft::channel_reader<std::string> from, weft::channel_writer<int> to) {
    std::vector<weft::task<>> running;
    for (int index = 0; index < workers; ++index) running.push_back(weft::run(count_words, from, to));
    co_await weft::when_all(running);
    to.complete();
}

// Reads every value that is published, or, of a conflated channel, the newest each time it looks.
weft::task<std::pair<int, int>> follow(weft::broadcast_reader<int> totals) {
    std::pair<int, int> values_and_last;
    weft::async_stream<int> all = totals.read_all();
    while (const auto total = co_await all.next()) {
        ++values_and_last.first;
        values_and_last.second = *total;
    }
    co_return values_and_last;
}

weft::task<int> supervise() {
    const auto found = weft::channel<std::string>::bounded(4);
    const auto counted = weft::channel<int>::bounded(4);
    weft::task<> finding = weft::run(find_lines, found.writer());
    weft::task<> counting = weft::run(all_workers, found.reader(), counted.writer());
    const auto totals = weft::broadcast_channel<int>::bounded(8);
    const auto newest = weft::broadcast_channel<int>::conflated(0);
    weft::task<std::pair<int, int>> every_total = weft::run(follow, totals.subscribe());
    weft::task<std::pair<int, int>> some_totals = weft::run(follow, newest.subscribe());

    int total = 0;
    for (;;) {
        auto waiting = weft::select(weft::case_read(counted.reader()), weft::case_after(10s));
        const auto chosen = co_await waiting;
        if (chosen.index() == 1) {
            std::puts("nothing came for ten seconds");
            co_return -1;
        }
        const std::optional<int>& words = std::get<0>(chosen);
        if (!words.has_value()) break;  // the channel is complete and empty
        total += *words;
        co_await totals.writer().write(total);
        co_await newest.writer().write(total);
    }
    totals.writer().complete();
    newest.writer().complete();
    const auto every = co_await every_total;
    const auto some = co_await some_totals;
    std::printf("one saw %d totals, another only the newest each time\n", every.first);
    if (every.first != lines || every.second != total || some.second != total) co_return -1;
    co_await finding;
    co_await counting;
    co_return total;
}

}  // namespace

int main() {
    const int total = weft::block_on(supervise());
    std::printf("%d lines have %d words\n", lines, total);
    return total == lines * 5 ? 0 : 1;
}
