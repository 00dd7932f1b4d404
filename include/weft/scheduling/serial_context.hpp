#pragma once
// <weft/scheduling/serial_context.hpp>: one callback at a time, over the pool: the context of a request.
// Follows AspNetSynchronizationContext, the context of legacy ASP.NET requests.
// SPDX-License-Identifier: MIT

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "weft/context/synchronization_context.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

/// Runs what is posted first in, first out, one at a time, on threads of the pool: code in it needs no locks among itself, as on a
/// user-interface thread, but has no thread of its own.
///
/// run() is how a request is served under it: it ends when its body has ended and every operation that was started in it,
/// async_void included, is over.
///
/// Threads   any.
/// Lifetime  a resource: must outlive what was started in it; the task of run() is over by then.
class serial_context final : public synchronization_context {
public:
    serial_context();
    ~serial_context() override;

    void post(callback function) override;
    /// Runs `function` before returning: directly inside this context, else by waiting for its turn. What it throws is thrown here.
    void send(callback function) override;
    void post_item(work_item& item) override;
    void visit_queued(item_visitor visit, void* argument) override;
    void operation_started() noexcept override;
    void operation_completed() noexcept override;

    /// Calls `body()`, which gives a task, in this context, and ends when it and all operations started here are over.
    /// @throws what the body throws; else the first exception that left a posted callback or an async_void
    template <class F>
    [[nodiscard]] auto run(F body) -> std::invoke_result_t<F&> {
        return run_body<typename std::invoke_result_t<F&>::weft_task_result>(std::move(body));
    }
    /// Ends when no operation is outstanding and nothing is queued.
    [[nodiscard]] task<> idle();

private:
    class state;

    template <class T, class F>
    task<T> run_body(F body) {
        task_completion_source<task<T>> started;
        post([&] {
            try {
                started.set_result(std::invoke(body));
            } catch (...) {
                started.set_exception(std::current_exception());
            }
        });
        task<task<T>> starting = started.task();
        task<T> running = co_await std::move(starting);
        outcome<T> ended = co_await running.as_outcome();
        co_await idle();
        if (ended.has_value()) throw_failure();
        if constexpr (std::is_void_v<T>) ended.value();
        else co_return std::move(ended).value();
    }
    void throw_failure();

    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI
