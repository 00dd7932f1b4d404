#pragma once
// <weft/coordination/parallel.hpp>: loops whose iterations run at the same time, and wait without a thread.
// Follows Parallel.ForEachAsync, Parallel.ForAsync and Parallel.Invoke (semantics 1.18).
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/coordination/detail/parallel_loop.hpp"
#include "weft/task/async_stream.hpp"
#include "weft/task/awaitable.hpp"

namespace weft::inline WEFT_ABI {

/// How a parallel loop runs.
struct parallel_options {
    /// Most bodies at the same time; -1: as many as this process may use processors. Never more than the scheduler's limit.
    std::int32_t max_degree_of_parallelism = -1;
    /// Where the bodies run, and come back to from their awaits; null: the thread pool. It must outlive the loop.
    task_scheduler* scheduler = nullptr;
};
static_assert(std::is_trivially_destructible_v<parallel_options>);

namespace detail {

/// Items are the numbers of a range. Workers need no turns.
template <class Index>
class number_source {
public:
    using item = Index;
    static constexpr bool takes_turns = false;
    static constexpr bool is_stream = false;

    number_source(Index first, Index last) noexcept : first_(first), count_(distance(first, last)) {}
    explicit number_source(const std::ranges::iota_view<Index, Index>& numbers) noexcept
        : number_source(*numbers.begin(), *numbers.end()) {}
    [[nodiscard]] std::optional<item> next() noexcept {
        // Relaxed: a number is all that is handed over. The first look keeps the counter from wrapping round.
        if (taken_.load(std::memory_order_relaxed) >= count_) return std::nullopt;
        const std::uint64_t mine = taken_.fetch_add(1, std::memory_order_relaxed);
        if (mine >= count_) return std::nullopt;
        return static_cast<Index>(static_cast<std::uint64_t>(first_) + mine);
    }
    [[nodiscard]] static item pass(item taken) noexcept { return taken; }

private:
    static std::uint64_t distance(Index first, Index last) noexcept {
        return first < last ? static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) : 0;
    }
    Index first_;
    std::uint64_t count_;
    std::atomic<std::uint64_t> taken_{0};
};

template <class View>
inline constexpr bool owns_its_items = false;
template <class Range>
inline constexpr bool owns_its_items<std::ranges::owning_view<Range>> = true;

/// Gives an item of a container that the loop owns away, since each is used once; any other is only shown.
template <class View, class T>
decltype(auto) pass_element(T* element) noexcept {
    if constexpr (owns_its_items<View>) return std::move(*element);
    else return static_cast<T&>(*element);
}

/// Items lie in one piece of memory. Workers need no turns.
template <class View>
class memory_source {
    using element = std::remove_reference_t<std::ranges::range_reference_t<View>>;

public:
    using item = element*;
    static constexpr bool takes_turns = false;
    static constexpr bool is_stream = false;

    explicit memory_source(View view) : view_(std::move(view)), count_(std::ranges::size(view_)) {}
    [[nodiscard]] std::optional<item> next() noexcept {
        if (taken_.load(std::memory_order_relaxed) >= count_) return std::nullopt;
        const std::size_t mine = taken_.fetch_add(1, std::memory_order_relaxed);
        if (mine >= count_) return std::nullopt;
        return std::ranges::data(view_) + mine;
    }
    [[nodiscard]] static decltype(auto) pass(item taken) noexcept { return pass_element<View>(taken); }

private:
    View view_;
    std::size_t count_;
    std::atomic<std::size_t> taken_{0};
};

/// Items of any other range, taken by one worker at a time.
template <class View>
class range_source {
    using reference = std::ranges::range_reference_t<View>;
    // An item of a container stays where it is when the iterator moves on; that of a view of one pass need not.
    static constexpr bool stays = std::ranges::forward_range<View> && std::is_lvalue_reference_v<reference>;

public:
    using item = std::conditional_t<stays, std::add_pointer_t<reference>, std::ranges::range_value_t<View>>;
    static constexpr bool takes_turns = true;
    static constexpr bool is_stream = false;

    explicit range_source(View view) : view_(std::move(view)) {}
    [[nodiscard]] std::optional<item> next() {
        // Other workers come again after the end, and may come after a failure: nothing is asked of the iterator then.
        if (std::exchange(has_ended_, true)) return std::nullopt;
        if (!position_) position_.emplace(std::ranges::begin(view_));
        else ++*position_;
        has_ended_ = *position_ == std::ranges::end(view_);
        if (has_ended_) return std::nullopt;
        if constexpr (stays) return std::addressof(**position_);
        else return std::optional<item>(std::in_place, **position_);
    }
    [[nodiscard]] static decltype(auto) pass(item& taken) noexcept {
        if constexpr (stays) return pass_element<View>(taken);
        else return std::move(taken);
    }

private:
    View view_;
    std::optional<std::ranges::iterator_t<View>> position_;
    bool has_ended_ = false;
};

/// Items of a stream, taken by one worker at a time.
template <class T>
class stream_source {
public:
    using item = T;
    static constexpr bool takes_turns = true;
    static constexpr bool is_stream = true;

    explicit stream_source(async_stream<T> taken) noexcept : stream(std::move(taken)) {}
    [[nodiscard]] static T&& pass(T& taken) noexcept { return std::move(taken); }

    async_stream<T> stream;
};

template <class Body, class... Items>
decltype(auto) call_loop_body(Body& body, const cancellation_token& token, Items&&... items) {
    if constexpr (std::is_invocable_v<Body&, Items..., cancellation_token>)
        return std::invoke(body, std::forward<Items>(items)..., token);
    else return std::invoke(body, std::forward<Items>(items)...);
}
template <class Body, class... Items>
concept loop_body = std::is_invocable_v<Body&, Items..., cancellation_token> || std::is_invocable_v<Body&, Items...>;

/// The item as the body takes it: as it is passed, or else by reference, where a body wants to change an item the loop owns.
template <class Body, class Item>
decltype(auto) call_with_item(Body& body, const cancellation_token& token, Item&& item) {
    if constexpr (loop_body<Body, Item>) return call_loop_body(body, token, std::forward<Item>(item));
    else return call_loop_body(body, token, item);
}

template <class Source, class Body>
class typed_parallel_loop final : public parallel_loop {
    using item = typename Source::item;
    using passed = decltype(Source::pass(std::declval<item&>()));
    static_assert(loop_body<Body, passed> || loop_body<Body, std::remove_reference_t<passed>&>,
        "the body of a parallel loop takes an item, or an item and a cancellation_token");
    using returned =
        decltype(call_with_item(std::declval<Body&>(), std::declval<const cancellation_token&>(), std::declval<passed>()));
    static_assert(
        std::is_void_v<returned> || awaitable<returned>, "the body of a parallel loop returns void, or something to await");

public:
    template <class... Arguments>
    typed_parallel_loop(
        std::size_t degree, task_scheduler* scheduler, cancellation_token user, Body body, Arguments&&... source)
        : parallel_loop(degree, scheduler, std::move(user)),
          body_(std::move(body)),
          source_(std::in_place, std::forward<Arguments>(source)...) {
        if constexpr (Source::is_stream) source_->stream.with_cancellation(this->token());
    }

private:
    task<> work() override { return run_worker(std::static_pointer_cast<typed_parallel_loop>(this->shared_from_this())); }

    // The loop, and with it the body's closure and the items, lives at least as long as this frame.
    static task<> run_worker(std::shared_ptr<typed_parallel_loop> self) {
        try {
            bool is_first = true;
            while (!self->is_stopping()) {
                std::optional<item> taken;
                if constexpr (!Source::takes_turns) {
                    taken = self->source_->next();
                } else {
                    if (!self->turns_.try_enter()) {
                        task<> turn = self->turns_.enter();
                        co_await turn;
                    }
                    const worker_turn mine(self->turns_);
                    if (self->is_stopping()) break;
                    if constexpr (Source::is_stream) taken = co_await self->source_->stream.next();
                    else taken = self->source_->next();
                }
                if (!taken) break;
                if (std::exchange(is_first, false)) self->start_another();
                if constexpr (std::is_void_v<returned>) {
                    call_with_item(*self->body_, self->token(), Source::pass(*taken));
                } else {
                    auto running = call_with_item(*self->body_, self->token(), Source::pass(*taken));
                    co_await std::move(running);
                }
            }
        } catch (...) {
            self->fail(std::current_exception());
        }
        if (!self->leave()) co_return;
        if constexpr (Source::is_stream) {
            try {
                task<> disposing = self->source_->stream.dispose().as_task();
                const outcome<> disposed = co_await disposing.as_outcome();
                if (!disposed.has_value()) self->fail(disposed.error());
            } catch (...) {
                self->fail(std::current_exception());
            }
        }
        self->drop();
        self->complete();
    }

    // Before the loop's task is done: whoever awaits it may free what they refer to.
    void drop() noexcept override {
        body_.reset();
        source_.reset();
    }

    worker_turns turns_;
    std::optional<Body> body_;
    std::optional<Source> source_;
};

template <class Source, class Body, class... Arguments>
task<> begin_parallel_loop(
    std::size_t degree, task_scheduler* scheduler, cancellation_token token, Body&& body, Arguments&&... source) {
    using loop = typed_parallel_loop<Source, std::decay_t<Body>>;
    if (token.is_cancellation_requested()) return from_canceled(std::move(token));
    return std::make_shared<loop>(
        degree, scheduler, std::move(token), std::forward<Body>(body), std::forward<Arguments>(source)...)
        ->begin();
}

template <class View>
struct source_selection {
    using type = std::conditional_t<std::ranges::contiguous_range<View> && std::ranges::sized_range<View>,
        memory_source<View>, range_source<View>>;
};
template <std::integral Index>
struct source_selection<std::ranges::iota_view<Index, Index>> {
    using type = number_source<Index>;
};
template <class View>
using source_of = typename source_selection<View>::type;

/// The body of parallel_invoke(): item i calls the i-th function.
template <class... Functions>
class invoke_body {
public:
    explicit invoke_body(Functions... functions) : functions_(std::move(functions)...) {}

    task<> operator()(std::size_t index, cancellation_token token) {
        return call(index, std::move(token), std::index_sequence_for<Functions...>());
    }

private:
    template <std::size_t... I>
    task<> call(std::size_t index, cancellation_token token, std::index_sequence<I...>) {
        using caller = task<> (*)(std::tuple<Functions...>&, cancellation_token);
        static constexpr std::array<caller, sizeof...(I)> callers{&call_one<I>...};
        return callers[index](functions_, std::move(token));
    }
    template <std::size_t I>
    static task<> call_one(std::tuple<Functions...>& functions, cancellation_token token) {
        auto& function = std::get<I>(functions);
        if constexpr (std::is_void_v<decltype(call_loop_body(function, token))>) {
            call_loop_body(function, token);
            co_return;
        } else {
            auto running = call_loop_body(function, token);
            co_await std::move(running);
        }
    }

    std::tuple<Functions...> functions_;
};

}  // namespace detail

/// Calls `body` with each item of `source`, several at a time, and completes when the last has ended.
///
/// The body takes an item, and the loop's token behind it if it likes: `task<> body(page, cancellation_token)`. It may return
/// void, too. The loop owns the body until it is over, so a capturing lambda coroutine is safe here. (With GCC 12 name a lambda
/// that captures objects before a co_await: docs/gcc12.md.)
///
/// @param source  any input range. A container given as an lvalue, and what a view refers to, must live until the task is done,
///                and its items are passed by reference; one given as an rvalue belongs to the loop, and its items are moved out.
///                begin() and the iterator are used by one worker at a time, on their threads.
/// Continuation   of the result: as for any task. Bodies run on options.scheduler, or on the pool, never inside this call, and
///                under the async-local values of the caller.
/// Order          items are begun in the order of the source; nothing is said of their ends.
/// Threads        several bodies run at the same time; what they share needs a lock.
/// Cancellation   `token` ends the loop as canceled, with that token, whatever else happened: nothing new begins, and bodies
///                that run are waited for. They see it in their own token.
/// Throws         std::invalid_argument for a degree of 0 or below -1. Through the task, when a body, the source or its disposal
///                failed: all their errors. The first failure cancels the bodies' token, and nothing new begins. An
///                operation_canceled that `token` did not ask for is such a failure: the task is faulted.
/// Allocation     one block for the loop and a few for each worker; none for an item but what the body allocates.
template <std::ranges::input_range Range, class Body>
[[nodiscard]] task<> parallel_for_each(
    Range&& source, parallel_options options, Body&& body, cancellation_token token = {}) {
    using view = std::views::all_t<Range>;
    const std::size_t degree =
        detail::parallel_degree(options.max_degree_of_parallelism, detail::processor_count(), options.scheduler);
    return detail::begin_parallel_loop<detail::source_of<view>>(degree, options.scheduler, std::move(token),
        std::forward<Body>(body), std::views::all(std::forward<Range>(source)));
}
template <std::ranges::input_range Range, class Body>
    requires(!std::is_same_v<std::remove_cvref_t<Body>, parallel_options>)
[[nodiscard]] task<> parallel_for_each(Range&& source, Body&& body, cancellation_token token = {}) {
    return parallel_for_each(std::forward<Range>(source), parallel_options(), std::forward<Body>(body), std::move(token));
}

/// The same for the items of a stream, which is given the loop's token and is disposed of at the end.
template <class T, class Body>
[[nodiscard]] task<> parallel_for_each(
    async_stream<T> source, parallel_options options, Body&& body, cancellation_token token = {}) {
    const std::size_t degree =
        detail::parallel_degree(options.max_degree_of_parallelism, detail::processor_count(), options.scheduler);
    return detail::begin_parallel_loop<detail::stream_source<T>>(
        degree, options.scheduler, std::move(token), std::forward<Body>(body), std::move(source));
}
template <class T, class Body>
    requires(!std::is_same_v<std::remove_cvref_t<Body>, parallel_options>)
[[nodiscard]] task<> parallel_for_each(async_stream<T> source, Body&& body, cancellation_token token = {}) {
    return parallel_for_each(std::move(source), parallel_options(), std::forward<Body>(body), std::move(token));
}

/// Calls `body` with each number from `first` up to, not including, `last`; as parallel_for_each(). An empty range gives a
/// completed task.
template <std::integral Index, class Body>
[[nodiscard]] task<> parallel_for(
    Index first, std::type_identity_t<Index> last, parallel_options options, Body&& body, cancellation_token token = {}) {
    const std::size_t degree =
        detail::parallel_degree(options.max_degree_of_parallelism, detail::processor_count(), options.scheduler);
    if (token.is_cancellation_requested()) return from_canceled(std::move(token));
    if (first >= last) return completed_task();
    return detail::begin_parallel_loop<detail::number_source<Index>>(
        degree, options.scheduler, std::move(token), std::forward<Body>(body), first, last);
}
template <std::integral Index, class Body>
    requires(!std::is_same_v<std::remove_cvref_t<Body>, parallel_options>)
[[nodiscard]] task<> parallel_for(
    Index first, std::type_identity_t<Index> last, Body&& body, cancellation_token token = {}) {
    return parallel_for(first, last, parallel_options(), std::forward<Body>(body), std::move(token));
}

/// Calls all `functions` at the same time, each with the token if it takes one, and completes when the last has ended; as
/// parallel_for_each(). Unless the options say otherwise none waits for another. A function that has not begun when another one
/// fails is not called.
template <class... Functions>
    requires(sizeof...(Functions) > 0 && (detail::loop_body<std::decay_t<Functions>> && ...))
[[nodiscard]] task<> parallel_invoke(parallel_options options, cancellation_token token, Functions&&... functions) {
    using body = detail::invoke_body<std::decay_t<Functions>...>;
    const std::size_t degree =
        detail::parallel_degree(options.max_degree_of_parallelism, sizeof...(Functions), options.scheduler);
    return detail::begin_parallel_loop<detail::number_source<std::size_t>>(degree, options.scheduler, std::move(token),
        body(std::forward<Functions>(functions)...), std::size_t{0}, sizeof...(Functions));
}
template <class... Functions>
    requires(sizeof...(Functions) > 0 && (detail::loop_body<std::decay_t<Functions>> && ...))
[[nodiscard]] task<> parallel_invoke(Functions&&... functions) {
    return parallel_invoke(parallel_options(), cancellation_token(), std::forward<Functions>(functions)...);
}

}  // namespace weft::inline WEFT_ABI
