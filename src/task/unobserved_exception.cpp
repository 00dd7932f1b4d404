// SPDX-License-Identifier: MIT

#include "weft/task/unobserved_exception.hpp"

#include <cstdio>
#include <list>
#include <memory>
#include <mutex>
#include <new>

#include "weft/base/error.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI {
namespace {

using handler = unique_function<void(const unobserved_task_exception&)>;

struct handlers {
    std::mutex mutex;
    std::list<std::shared_ptr<handler>> all;
};

// Never destroyed: a task may die after every static object of the program.
handlers& registered() {
    static auto* instance = new handlers();
    return *instance;
}

void call_quietly(handler& function, const unobserved_task_exception& event) noexcept {
    try {
        function(event);
    } catch (...) {
        std::fputs("weft: a handler of unobserved task exceptions threw; its exception is discarded\n", stderr);
    }
}

}  // namespace

unique_function<void()> on_unobserved_task_exception(handler function) {
    auto entry = std::make_shared<handler>(std::move(function));
    handlers& list = registered();
    std::lock_guard lock(list.mutex);
    list.all.push_back(entry);
    return [entry = std::weak_ptr<handler>(entry)] {
        handlers& from = registered();
        std::lock_guard guard(from.mutex);
        from.all.remove(entry.lock());
    };
}

void raise_unobserved_for(std::span<const std::exception_ptr> errors) noexcept {
    try {
        std::list<std::shared_ptr<handler>> copy;
        {
            std::lock_guard lock(registered().mutex);
            copy = registered().all;
        }
        const unobserved_task_exception event(errors);
        for (auto& each : copy) call_quietly(*each, event);
        if (copy.empty())
            std::fprintf(stderr, "weft: unobserved exception of a task: %s\n", message_of(errors.front()).c_str());
    } catch (const std::bad_alloc&) {
        std::fputs("weft: unobserved exception of a task, and no memory to tell of it\n", stderr);
    }
}

namespace detail {

void raise_unobserved(fault_info& fault) noexcept {
    fault.observed.store(true, std::memory_order_relaxed);
    raise_unobserved_for(fault.errors);
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
