// A scheduler of one's own: the shortest jobs first, one at a time.
//
// A task_scheduler decides when and where queued work runs. This one keeps a line ordered by a key that the caller sets before it
// queues, and passes one item at a time to the pool. It is what .NET's samples do with a priority scheduler, in some twenty lines.
// SPDX-License-Identifier: MIT

#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <weft/weft.hpp>

namespace {

class ordered_scheduler final : public weft::task_scheduler {
public:
    /// What is queued by `function` lies at `key` in the line; lower keys run first.
    template <class F>
    weft::task<> start(int key, F function) {
        next_key_ = key;
        return weft::start_new(std::move(function), weft::creation_options::none, this);
    }

    void queue(weft::work_item& work) override {
        const std::lock_guard lock(mutex_);
        line_.emplace(next_key_, &work);
        if (!paused_ && !running_) pump();
    }
    /// Lets what has been queued so far, and what comes later, run.
    void go() {
        const std::lock_guard lock(mutex_);
        paused_ = false;
        if (!running_) pump();
    }

private:
    // Precondition: the lock is held. One callback of the pool runs one item, then asks for the next.
    void pump() {
        running_ = !line_.empty();
        if (!running_) return;
        weft::work_item* first = line_.extract(line_.begin()).mapped();
        weft::thread_pool::shared().post([this, first] {
            try_execute(*first);
            const std::lock_guard lock(mutex_);
            pump();
        });
    }

    std::mutex mutex_;
    std::multimap<int, weft::work_item*> line_;
    int next_key_ = 0;
    bool running_ = false;
    bool paused_ = true;
};

}  // namespace

int main() {
    static ordered_scheduler scheduler;  // outlives the pool's last callback
    std::string order;
    std::vector<weft::task<>> jobs;
    for (const int minutes : {30, 5, 60, 10})
        jobs.push_back(scheduler.start(minutes, [&order, minutes] { order += std::to_string(minutes) + " "; }));
    scheduler.go();
    weft::wait_all(jobs);
    std::printf("ran in this order: %s\n", order.c_str());
    return order == "5 10 30 60 " ? 0 : 1;
}
