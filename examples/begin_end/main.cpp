// The two older async patterns of .NET, each awaited and each offered: begin/end pairs (APM) and completed-events (EAP).
// SPDX-License-Identifier: MIT

#include <weft/apm.hpp>
#include <weft/eap.hpp>
#include <weft/weft.hpp>

#include <any>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

using namespace std::chrono_literals;

namespace {

weft::task<int> add(int left, int right) {
    co_await weft::delay(2ms);
    co_return left + right;
}

// ---- APM

// A begin/end pair whose inside is a task: what a class with an old interface offers.
std::shared_ptr<weft::async_result> begin_add(int left, int right, weft::async_callback callback, std::any state) {
    return weft::as_async_result(add(left, right), std::move(callback), std::move(state));
}
int end_add(const std::shared_ptr<weft::async_result>& result) { return weft::end_async_result<int>(result); }

// The other way: whatever has such a pair becomes a task.
weft::task<int> add_by_apm(int left, int right) { return weft::from_async(begin_add, end_add, left, right); }

// ---- EAP

// A class that tells of its end by an event, in the context in which it was asked.
class calculator {
public:
    using completed_args = weft::async_completed_event_args<int>;

    weft::event<const completed_args&> add_completed;

    void add_async(int left, int right) {
        const weft::async_operation operation = weft::async_operation_manager::create_operation();
        weft::run([this, operation, left, right] {
            operation.post_operation_completed(
                [this, sum = left + right] { add_completed.raise(completed_args(std::in_place, sum)); });
        }).forget();
    }
};

weft::task<int> add_by_eap(calculator& with, int left, int right) {
    return weft::from_completed_event(with.add_completed, [&with, left, right] { with.add_async(left, right); });
}

// The ready-made one: plain work on the pool, told of by events.
weft::task<int> count_words(weft::background_worker& worker, std::string text) {
    const auto work = worker.do_work().subscribe([&worker](weft::do_work_event_args& args) {
        int words = 1;
        for (const char letter : std::any_cast<const std::string&>(args.argument)) words += letter == ' ' ? 1 : 0;
        worker.report_progress(100);
        args.result = words;
    });
    weft::task<std::any> counted = weft::from_completed_event(
        worker.run_worker_completed(), [&worker, &text] { worker.run_worker_async(std::move(text)); });
    const std::any words = co_await counted;
    co_return std::any_cast<int>(words);
}

weft::task<int> async_main() {
    const int by_apm = co_await add_by_apm(1, 2);
    calculator with;
    const int by_eap = co_await add_by_eap(with, 3, 4);

    weft::background_worker worker;
    worker.set_worker_reports_progress(true);
    const int words = co_await count_words(worker, "begin and end of an era");

    std::printf("begin/end: %d, event: %d, background worker: %d words\n", by_apm, by_eap, words);
    co_return by_apm == 3 && by_eap == 7 && words == 6 && with.add_completed.subscribers() == 0 ? 0 : 1;
}

}  // namespace

int main() { return weft::run_main(async_main); }
