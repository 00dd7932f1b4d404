// A correlation id that nobody passes along and every line of the log has: an async_local. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

weft::async_local<std::string> correlation_id;

class line_log {
public:
    void write(const std::string& text) {
        const std::lock_guard lock(mutex_);
        lines_.push_back("[" + correlation_id.value_or("-") + "] " + text);
    }
    [[nodiscard]] int count(const std::string& line) const {
        int found = 0;
        for (const std::string& each : lines_) found += each == line ? 1 : 0;
        return found;
    }
    void print() const {
        for (const std::string& each : lines_) std::printf("%s\n", each.c_str());
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

// Deep below, on whichever thread: the id is that of the request it works for.
weft::task<> save(line_log& log) {
    co_await weft::delay(2ms);
    log.write("saved");
    co_await weft::run([&log] { log.write("indexed on the pool"); });
}

// Sets an id of its own for what it calls; the caller keeps its own, as a callee's changes never come back.
weft::task<> audit(line_log& log) {
    correlation_id.set(correlation_id.value_or("-") + "/audit");
    co_await weft::delay(1ms);
    log.write("audited");
}

weft::task<> handle_request(line_log& log, std::string id) {
    correlation_id.set(std::move(id));
    log.write("began");
    co_await save(log);
    co_await audit(log);
    log.write("ended");
}

weft::task<int> async_main() {
    line_log log;
    weft::task<> first = handle_request(log, "7f3a");
    weft::task<> second = handle_request(log, "b01c");
    co_await weft::when_all(first, second);
    log.write("outside");
    log.print();

    bool right = log.count("[-] outside") == 1;
    for (const std::string id : {"7f3a", "b01c"}) {
        for (const std::string text : {"began", "saved", "indexed on the pool", "ended"})
            right = right && log.count("[" + id + "] " + text) == 1;
        right = right && log.count("[" + id + "/audit] audited") == 1;
    }
    co_return right ? 0 : 1;
}

}  // namespace

int main() { return weft::run_main(async_main); }
