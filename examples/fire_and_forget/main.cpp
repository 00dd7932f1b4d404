// Work that nobody waits for. forget() says so on purpose; its failure is not lost but reaches on_unobserved_task_exception(). The
// better form keeps the tasks in a set that is awaited at the end, so nothing is cut off when the program ends. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

weft::task<> send_mail(std::string to) {
    co_await weft::delay(2ms);
    if (to.empty()) throw std::invalid_argument("a mail needs a receiver");
}

// Nobody waits: the program would not even notice that it ends before the mail has gone.
weft::task<std::string> forgotten() {
    weft::task_completion_source<std::string> reported;
    auto unsubscribe = weft::on_unobserved_task_exception([&reported](const weft::unobserved_task_exception& failure) {
        try {
            std::rethrow_exception(failure.errors().front());
        } catch (const std::exception& error) {
            reported.try_set_result(std::string(error.what()));
        }
    });
    weft::forget(send_mail("ada@example.org"));
    weft::forget(send_mail(""));
    // A program would log in the handler and go on; this one waits to show what was reported.
    std::string text = co_await reported.task();
    unsubscribe();
    co_return text;
}

// The good form: begin now, answer at once, and join all of it before leaving.
class background_work {
public:
    void add(weft::task<> work) { running_.push_back(std::move(work)); }
    // @returns how many failed
    weft::task<int> join() {
        int failed = 0;
        for (const weft::task<>& each : running_) {
            const auto how = co_await each.as_outcome();
            if (!how) ++failed;
        }
        running_.clear();
        co_return failed;
    }

private:
    std::vector<weft::task<>> running_;
};

weft::task<int> async_main() {
    const std::string reported = co_await forgotten();
    std::printf("reported as unobserved: %s\n", reported.c_str());

    background_work work;
    work.add(send_mail("grace@example.org"));
    work.add(send_mail(""));
    const int failed = co_await work.join();
    std::printf("joined: %d of 2 failed\n", failed);
    co_return reported == "a mail needs a receiver" && failed == 1 ? 0 : 1;
}

}  // namespace

int main() { return weft::run_main(async_main); }
