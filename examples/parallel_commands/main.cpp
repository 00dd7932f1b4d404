// Runs commands a few at a time, as a build tool does, and prints what each wrote as it ends. Ctrl-C ends those that run; a second one
// ends the tool itself. No thread waits for any of them.
//   example_parallel_commands COMMAND...    each by /bin/sh, four at a time
//   example_parallel_commands               some of its own, and then some that a SIGINT interrupts; ctest runs this
// SPDX-License-Identifier: MIT

#include <weft/process.hpp>
#include <weft/signals.hpp>
#include <weft/weft.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

struct tally {
    std::atomic<int> succeeded{0};
    std::atomic<int> failed{0};
    std::atomic<int> interrupted{0};
};

/// Runs one command. When `token` fires, it is killed with all that it has started.
weft::task<> run_command(std::string command, tally& counts, weft::cancellation_token token) {
    std::vector<std::string> arguments{"-c", command};
    weft::process_start_info info("/bin/sh", std::move(arguments));
    info.error(weft::process_stream::merged()).own_group();
    try {
        const weft::process_result result = co_await weft::process::run(info, {}, token);
        ++(result.status.succeeded() ? counts.succeeded : counts.failed);
        // One call, so that what two commands wrote is not mixed.
        std::printf("$ %s: %s\n%s", command.c_str(), result.status.to_string().c_str(), result.output.c_str());
    } catch (const weft::operation_canceled&) {
        ++counts.interrupted;
        throw;
    }
}

/// Begins no more commands once `token` fires, and ends when those that run have ended.
weft::task<> run_all(std::vector<std::string> commands, tally& counts, weft::cancellation_token token) {
    auto body = [&counts](const std::string& command, weft::cancellation_token stop) -> weft::task<> {
        return run_command(command, counts, stop);
    };
    weft::task<> loop = weft::parallel_for_each(commands, {.max_degree_of_parallelism = 4}, body, token);
    try {
        co_await loop;
    } catch (const weft::operation_canceled&) {
        std::printf("interrupted\n");
    }
}

/// Fires `stop` at the first signal. Nobody waits for signals any more then: the next one has its usual effect.
weft::task<> stop_on_signal(weft::cancellation_source& stop, weft::cancellation_token all_done) {
    try {
        static_cast<void>(co_await weft::signals::wait({SIGINT, SIGTERM}, all_done));
        stop.cancel();
    } catch (const weft::operation_canceled&) {
        // There is nothing left to stop.
    }
}

weft::task<> run_until_signal(std::vector<std::string> commands, tally& counts) {
    weft::cancellation_source stop;
    weft::cancellation_source all_done;
    weft::task<> listening = stop_on_signal(stop, all_done.token());
    co_await run_all(std::move(commands), counts, stop.token());
    all_done.cancel();
    co_await listening;
    std::printf("%d succeeded, %d failed, %d interrupted\n", counts.succeeded.load(), counts.failed.load(),
        counts.interrupted.load());
}

// ---- the demonstration

weft::task<bool> demonstrate() {
    tally built;
    const std::vector<std::string> commands{
        "echo one", "echo two; echo and more >&2", "echo three; exit 3", "seq 1 100000 | wc -l", "echo five", "kill -9 $$"};
    co_await run_until_signal(commands, built);

    tally cut;
    const std::vector<std::string> endless{
        "sleep 1000 | cat", "sleep 1000", "exec sleep 1000", "kill -INT $PPID; sleep 1000"};
    co_await run_until_signal(endless, cut);
    co_return built.succeeded == 4 && built.failed == 2 && cut.interrupted == 4;
}

weft::task<int> run(std::vector<std::string> commands) {
    if (commands.empty()) {
        const bool good = co_await demonstrate();
        co_return good ? 0 : 1;
    }
    tally counts;
    co_await run_until_signal(std::move(commands), counts);
    co_return counts.failed == 0 && counts.interrupted == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
    std::vector<std::string> commands(values + 1, values + count);
    return weft::block_on(run(std::move(commands)));
}
