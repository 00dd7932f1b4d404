// A device that only has events becomes something to await: a completion source around them. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

// What a library without tasks looks like: it tells of results and errors by events, from threads of its own.
class barcode_scanner {
public:
    weft::event<std::string> scanned;
    weft::event<std::string> failed;

    void begin_scan(bool works) {
        weft::run([this, works] {
            if (works) scanned.raise("4006381333931");
            else failed.raise("no light");
        }).forget();
    }
};

// The wrapper: one source, a handler for each ending, and the subscriptions gone when the task is done. The handlers share the
// source, because both may come.
weft::task<std::string> scan(barcode_scanner& scanner, bool works, weft::cancellation_token token = {}) {
    const auto source = std::make_shared<weft::task_completion_source<std::string>>();
    const auto on_scanned =
        scanner.scanned.subscribe([source](const std::string& code) { (void)source->try_set_result(code); });
    const auto on_failed = scanner.failed.subscribe([source](const std::string& why) {
        (void)source->try_set_exception(std::make_exception_ptr(std::runtime_error(why)));
    });
    const auto on_cancel = token.register_callback([source, token] { (void)source->try_set_canceled(token); });
    scanner.begin_scan(works);
    co_return co_await source->task();  // the subscriptions are this frame's: they go when it does
}

weft::task<int> async_main() {
    barcode_scanner scanner;

    const std::string code = co_await scan(scanner, true);
    std::printf("scanned %s\n", code.c_str());

    // An error event is an exception here.
    weft::task<std::string> dark = scan(scanner, false);
    const weft::outcome<std::string> outcome = co_await dark.as_outcome();
    std::printf("failed: %s\n", weft::message_of(outcome.error()).c_str());

    // An asynchronous handler: the event owns its closure while it runs.
    weft::task_completion_source<int> stored;
    const auto on_scanned = scanner.scanned.subscribe([&stored](std::string text) -> weft::task<> {
        co_await weft::delay(5ms);  // say, a database
        stored.set_result(static_cast<int>(text.size()));
    });
    scanner.begin_scan(true);
    const int length = co_await stored.task();
    std::printf("stored %d digits\n", length);

    const bool right = code == "4006381333931" && outcome.is_faulted() && length == 13;
    co_return right&& scanner.scanned.subscribers() == 1 && scanner.failed.subscribers() == 0 ? 0 : 1;
}

int main() { return weft::run_main(async_main); }
