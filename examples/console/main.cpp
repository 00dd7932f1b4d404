// From main() into tasks, three ways. block_on: a plain program waits for one task. event_loop_context::run_until: everything
// between awaits runs on the main thread, as in a window. run_main: the whole of main is a task. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

struct count {
    int words = 0;
    bool on_first_thread = false;  // the last line ran where the first did
};

weft::task<count> count_words(std::string text) {
    const std::thread::id first = std::this_thread::get_id();
    co_await weft::delay(2ms);  // stands for a file
    std::istringstream words(text);
    count result;
    for (std::string word; words >> word;) ++result.words;
    result.on_first_thread = std::this_thread::get_id() == first;
    co_return result;
}

// 1. The calling thread waits; the task goes on on the pool.
bool by_block_on() {
    const count result = weft::block_on(count_words("one two three"));
    std::printf("block_on: %d words, %s\n", result.words, result.on_first_thread ? "ON THE BLOCKED THREAD" : "on the pool");
    return result.words == 3 && !result.on_first_thread;
}

// 2. The calling thread pumps; a task that is started in the loop comes back to it, and needs no locks.
bool by_run_until() {
    weft::event_loop_context loop;
    weft::task<count> running;
    {
        const weft::synchronization_context_scope scope(&loop);
        running = count_words("four five");
    }
    const count result = loop.run_until(running);
    std::printf("run_until: %d words, %s\n", result.words, result.on_first_thread ? "on the main thread" : "LOST");
    return result.words == 2 && result.on_first_thread;
}

// 3. A main function that awaits; its value is the exit status, and the runtime is shut down after it.
weft::task<int> async_main(int argument_count, char**) {
    const count result = co_await count_words("six");
    std::printf("run_main: %d word, %d argument\n", result.words, argument_count);
    co_return result.words == 1 ? 0 : 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const bool blocked = by_block_on();
    const bool pumped = by_run_until();
    const int status = weft::run_main(async_main, argument_count, arguments);
    return blocked && pumped ? status : 1;
}
