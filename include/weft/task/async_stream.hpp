#pragma once
// <weft/task/async_stream.hpp>: a coroutine that yields items over time, and whoever takes them one by one.
// Follows IAsyncEnumerable and await foreach (semantics 1.15).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/task/detail/stream_state.hpp"
#include "weft/task/operation.hpp"
#include "weft/task/when_any.hpp"

namespace weft::inline WEFT_ABI {

template <class T>
class async_stream;

/// What a producer may ask about the stream it is.
namespace this_stream {

struct token_request {};
/// `co_await this_stream::token()` in a producer gives the token that its consumer passed by with_cancellation().
[[nodiscard]] constexpr token_request token() noexcept { return {}; }

}  // namespace this_stream

namespace detail {

template <class T>
class stream_promise;

/// `co_await stream.next()`.
template <class T>
class next_operation : public operation<next_operation<T>, std::optional<T>> {
public:
    using parameters = async_stream<T>*;
    explicit next_operation(parameters stream) noexcept : stream_(stream) {
        if (!stream->captures_context()) static_cast<void>(std::move(*this).configure_await(false));
    }
    [[nodiscard]] parameters take_parameters() const noexcept { return stream_; }
    [[nodiscard]] bool await_ready() {
        stream_promise<T>* const producer = stream_->producer();
        return producer == nullptr || producer->state().has_ended() || producer->state().run_segment("async_stream::next");
    }
    bool start(task_core& awaiter) noexcept { return stream_->producer()->state().meet(awaiter); }
    std::optional<T> await_resume() {
        stream_promise<T>* const producer = stream_->producer();
        return producer == nullptr ? std::nullopt : producer->take();
    }

private:
    async_stream<T>* stream_;
};

/// `co_await stream.dispose()`.
template <class T>
class dispose_operation : public operation<dispose_operation<T>, void> {
public:
    using parameters = async_stream<T>*;
    explicit dispose_operation(parameters stream) noexcept : stream_(stream) {
        if (!stream->captures_context()) static_cast<void>(std::move(*this).configure_await(false));
    }
    [[nodiscard]] parameters take_parameters() const noexcept { return stream_; }
    [[nodiscard]] bool await_ready() {
        stream_promise<T>* const producer = stream_->producer();
        if (producer == nullptr) return true;
        stream_state& state = producer->state();
        if (!state.has_started() || state.has_ended()) return true;
        if (!state.is_running()) state.close();
        return state.run_segment("async_stream::dispose");
    }
    bool start(task_core& awaiter) noexcept { return stream_->producer()->state().meet(awaiter); }
    void await_resume() { stream_->finish_disposal(); }

private:
    async_stream<T>* stream_;
};

}  // namespace detail

/// The items of a coroutine that `co_yield`s them, asynchronously: `while (auto item = co_await stream.next()) use(*item);`
///
/// Nothing of the body runs before the first next(). Each next() runs it, on the caller's thread at first, to its next co_yield, and
/// under the caller's contexts: what the body changes in them is undone when it yields. A stream is single-pass, with one consumer
/// at a time.
///
/// Continuation  of next() and dispose(): as for a task; see configure_await().
/// Throws        next() throws, once, what the body threw; afterwards there are no more items.
/// Cancellation  by the token of with_cancellation(), which the body asks for: `co_await this_stream::token()`.
/// Lifetime      a resource, move-only, not while a next() is pending. dispose() ends a stream early: the body, suspended at its co_yield,
///               is left as by an exception that no `catch (const std::exception&)` sees, and dispose() waits for what it awaits on
///               the way. Destroying a stream starts the same and does not wait.
/// Allocation    one recycled block a stream; none an item.
template <class T>
class [[nodiscard("a stream that is dropped yields nothing")]] async_stream {
    static_assert(!std::is_reference_v<T>, "a stream yields objects; for references yield pointers");

public:
    using promise_type = detail::stream_promise<T>;
    using value_type = T;

    async_stream() noexcept = default;
    async_stream(async_stream&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)), capture_(std::exchange(other.capture_, true)) {}
    async_stream& operator=(async_stream other) noexcept {
        std::swap(core_, other.core_);
        std::swap(capture_, other.capture_);
        return *this;
    }
    ~async_stream() { abandon(); }

    /// The next item; empty at the end. @throws invalid_operation  while another next() or dispose() is not done (1.15/8)
    [[nodiscard]] detail::next_operation<T> next() noexcept { return detail::next_operation<T>(this); }
    /// Ends the producer and waits for its cleanup. Again, and after the end, it does nothing.
    /// @throws what the cleanup throws; invalid_operation  while a next() is not done (1.15/7)
    [[nodiscard]] detail::dispose_operation<T> dispose() noexcept { return detail::dispose_operation<T>(this); }

    /// Gives the producer a token to ask for; the last one counts (1.15/2). Nothing is polled.
    async_stream& with_cancellation(cancellation_token token) & {
        if (detail::stream_promise<T>* made = producer()) made->state().token = std::move(token);
        return *this;
    }
    async_stream with_cancellation(cancellation_token token) && {
        with_cancellation(std::move(token));
        return std::move(*this);
    }

    /// Whether next() and dispose() come back to the context that is current at their await (1.15/9).
    async_stream& configure_await(bool continue_on_captured_context) & noexcept {
        capture_ = continue_on_captured_context;
        return *this;
    }
    async_stream configure_await(bool continue_on_captured_context) && noexcept {
        capture_ = continue_on_captured_context;
        return std::move(*this);
    }
    [[nodiscard]] bool captures_context() const noexcept { return capture_; }

    // ---- operators; each takes the stream over, and passes its own token on

    /// `function` of each item; it may return a task, which is awaited.
    template <class F>
    auto transform(F function) &&;
    /// The items for which `predicate` holds.
    template <class F>
    async_stream filter(F predicate) &&;
    /// The first `count` items; the source is disposed of behind the last.
    async_stream take(std::size_t count) &&;
    /// All but the first `count` items.
    async_stream skip(std::size_t count) &&;
    /// Groups of `count` items, the last one shorter. @throws std::invalid_argument  for 0
    async_stream<std::vector<T>> buffer(std::size_t count) &&;
    /// All items.
    task<std::vector<T>> to_vector() &&;
    /// Calls `function` with each item and awaits what it returns, if that is a task.
    template <class F>
    task<> for_each(F function) &&;

    /// A range of one pass that blocks the thread for each item.
    auto to_blocking_range() &&;

    /// @internal adopts one reference
    async_stream(detail::task_core* core, detail::adopt_core) noexcept : core_(core) {}
    /// @internal  null when there is none any more
    [[nodiscard]] detail::stream_promise<T>* producer() const noexcept;
    /// @internal
    void finish_disposal();

private:
    void destroy_frame() noexcept {
        // A runtime that shut down may have destroyed it already.
        if (!core_->has_flag(detail::flag_cold)) core_->handle().destroy();
        std::exchange(core_, nullptr)->release();
    }
    void abandon() noexcept;

    detail::task_core* core_ = nullptr;
    bool capture_ = true;
};

namespace detail {

template <class T>
class stream_promise : public task_promise_base<async_stream<T>, void> {
public:
    using base = task_promise_base<async_stream<T>, void>;
    stream_promise() noexcept : state_(this->core()) {}

    std::suspend_always initial_suspend() noexcept {
        // Nothing runs yet: the caller's contexts are given back at once.
        this->core().leave_first_segment();
        return {};
    }

    /// A segment's end. The frame may be gone, or run elsewhere, when end_segment() returns.
    struct segment_end {
        stream_state* state;
        bool for_good;
        explicit segment_end(stream_state& of, bool last) noexcept : state(&of), for_good(last) {}
        [[nodiscard]] bool await_ready() const noexcept { return !for_good && state->is_closing(); }
        void await_suspend(std::coroutine_handle<>) const noexcept { state->end_segment(for_good); }
        void await_resume() const {
            if (state->is_closing()) throw stream_closed();
        }
    };
    struct last_segment_end : segment_end {
        explicit last_segment_end(stream_state& of) noexcept : segment_end(of, true) {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        void await_resume() const noexcept {}
    };

    last_segment_end final_suspend() noexcept { return last_segment_end(state_); }
    void unhandled_exception() noexcept { state_.note_failure(); }
    void return_void() noexcept {}

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    segment_end yield_value(U&& value) {
        if (!state_.is_closing()) item_.emplace(std::forward<U>(value));
        return segment_end(state_, false);
    }

    using base::await_transform;
    auto await_transform(this_stream::token_request) {
        struct ready {
            cancellation_token token;
            explicit ready(cancellation_token of) noexcept : token(std::move(of)) {}
            [[nodiscard]] bool await_ready() const noexcept { return true; }
            void await_suspend(std::coroutine_handle<>) const noexcept {}
            cancellation_token await_resume() noexcept { return std::move(token); }
        };
        return ready(state_.token);
    }

    [[nodiscard]] stream_state& state() noexcept { return state_; }
    /// The item of the segment that is over.
    std::optional<T> take() {
        state_.arrive();
        if (state_.has_ended()) return std::nullopt;
        return std::exchange(item_, std::nullopt);
    }

private:
    stream_state state_;
    std::optional<T> item_;
};

}  // namespace detail

template <class T>
detail::stream_promise<T>* async_stream<T>::producer() const noexcept {
    if (core_ == nullptr || core_->has_flag(detail::flag_cold)) return nullptr;
    return &std::coroutine_handle<promise_type>::from_address(core_->frame()).promise();
}

template <class T>
void async_stream<T>::finish_disposal() {
    detail::stream_promise<T>* const made = producer();
    if (made == nullptr) return;
    struct destruction {
        async_stream& stream;
        ~destruction() { stream.destroy_frame(); }
    } const guard{*this};
    if (made->state().has_started()) made->state().arrive();
}

template <class T>
void async_stream<T>::abandon() noexcept {
    if (core_ == nullptr) return;
    detail::stream_promise<T>* const made = producer();
    if (made == nullptr || !made->state().has_started() || made->state().has_ended()) {
        destroy_frame();
        return;
    }
    detail::stream_state& state = made->state();
    // Only a consumer that shutdown destroys goes while its producer runs; the producer's frame is shutdown's, too.
    if (!state.is_running()) {
        state.close();
        if (state.run_segment("~async_stream")) {
            destroy_frame();
            return;
        }
    }
    if (state.leave_to_itself()) destroy_frame();
}

namespace detail {

template <class R>
struct stream_result {
    using type = R;
};
template <class R>
struct stream_result<task<R>> {
    using type = R;
};

template <class U, class T, class F>
async_stream<U> transformed(async_stream<T> source, F function) {
    source.with_cancellation(co_await this_stream::token());
    for (;;) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        auto made = std::invoke(function, std::move(*item));
        if constexpr (task_type<decltype(made)>) {
            U value = co_await std::move(made);
            co_yield std::move(value);
        } else {
            co_yield std::move(made);
        }
    }
}
template <class T, class F>
async_stream<T> filtered(async_stream<T> source, F predicate) {
    source.with_cancellation(co_await this_stream::token());
    for (;;) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        if (std::invoke(predicate, std::as_const(*item))) co_yield std::move(*item);
    }
}
template <class T>
async_stream<T> taken(async_stream<T> source, std::size_t count) {
    source.with_cancellation(co_await this_stream::token());
    for (; count > 0; --count) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        co_yield std::move(*item);
    }
    co_await source.dispose();
}
template <class T>
async_stream<T> skipped(async_stream<T> source, std::size_t count) {
    source.with_cancellation(co_await this_stream::token());
    for (;;) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        if (count > 0) --count;
        else co_yield std::move(*item);
    }
}
template <class T>
async_stream<std::vector<T>> buffered(async_stream<T> source, std::size_t count) {
    source.with_cancellation(co_await this_stream::token());
    std::vector<T> group;
    for (;;) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        group.push_back(std::move(*item));
        if (group.size() == count) co_yield std::exchange(group, std::vector<T>());
    }
    if (!group.empty()) co_yield std::move(group);
}
/// Ends what a merge that is left early has begun: a source may go only when no next() of it is under way. What fails here was asked
/// for by nobody any more.
template <class T>
task<> leave_sources(std::vector<async_stream<T>>& sources, std::vector<task<std::optional<T>>>& pending) {
    for (task<std::optional<T>>& each : pending) {
        if (!each.valid()) continue;
        try {
            [[maybe_unused]] const std::optional<T> unwanted = co_await std::move(each);
        } catch (...) {}
    }
    for (async_stream<T>& each : sources) {
        try {
            co_await each.dispose();
        } catch (...) {}
    }
}
template <class T>
async_stream<T> merged(std::vector<async_stream<T>> sources) {
    const cancellation_token token = co_await this_stream::token();
    cancellation_source stop = cancellation_source::linked(token);
    std::vector<task<std::optional<T>>> pending;
    std::vector<std::size_t> source_of;  // of each that is pending; sources stay where they are
    std::exception_ptr left;             // by a failure of a source, or because nobody wants more
    try {
        for (std::size_t i = 0; i < sources.size(); ++i) {
            sources[i].with_cancellation(stop.token());
            pending.push_back(sources[i].next());
            source_of.push_back(i);
        }
        while (!pending.empty()) {
            task<when_any_result<std::optional<T>>> racing = when_any(pending);
            const when_any_result<std::optional<T>>& won = co_await racing;
            const std::size_t first = won.index;
            async_stream<T>& source = sources[source_of[first]];
            task<std::optional<T>> turn = std::move(pending[first]);
            std::optional<T> item = co_await std::move(turn);
            if (item) {
                pending[first] = source.next();
                co_yield std::move(*item);
            } else {
                const async_stream<T> ended = std::move(source);
                pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(first));
                source_of.erase(source_of.begin() + static_cast<std::ptrdiff_t>(first));
            }
        }
    } catch (...) {
        left = std::current_exception();
    }
    if (left == nullptr) co_return;
    try {
        stop.cancel();
    } catch (...) {
        // A callback of a source that is left.
    }
    task<> leaving = leave_sources(sources, pending);
    co_await leaving;
    std::rethrow_exception(left);
}
template <class T>
task<std::vector<T>> vector_of(async_stream<T> source) {
    std::vector<T> items;
    for (;;) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        items.push_back(std::move(*item));
    }
    co_return items;
}
template <class T, class F>
task<> for_each_of(async_stream<T> source, F function) {
    for (;;) {
        std::optional<T> item = co_await source.next();
        if (!item) break;
        if constexpr (std::is_void_v<std::invoke_result_t<F&, T>>) std::invoke(function, std::move(*item));
        else {
            auto running = std::invoke(function, std::move(*item));
            co_await std::move(running);
        }
    }
}

/// The range of to_blocking_range().
template <class T>
class blocking_stream {
public:
    explicit blocking_stream(async_stream<T> source) noexcept : source_(std::move(source)) {}

    class iterator {
    public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() noexcept = default;
        explicit iterator(blocking_stream* range) : range_(range) { range_->advance(); }
        T& operator*() const noexcept { return *range_->item_; }
        iterator& operator++() {
            range_->advance();
            return *this;
        }
        void operator++(int) { range_->advance(); }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return !range_->item_.has_value(); }

    private:
        blocking_stream* range_ = nullptr;
    };

    [[nodiscard]] iterator begin() { return iterator(this); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    void advance() { item_ = source_.next().as_task().get(); }

    async_stream<T> source_;
    std::optional<T> item_;
};

}  // namespace detail

template <class T>
template <class F>
auto async_stream<T>::transform(F function) && {
    using made = typename detail::stream_result<std::remove_cvref_t<std::invoke_result_t<F&, T>>>::type;
    return detail::transformed<made>(std::move(*this), std::move(function));
}
template <class T>
template <class F>
async_stream<T> async_stream<T>::filter(F predicate) && {
    return detail::filtered(std::move(*this), std::move(predicate));
}
template <class T>
async_stream<T> async_stream<T>::take(std::size_t count) && {
    return detail::taken(std::move(*this), count);
}
template <class T>
async_stream<T> async_stream<T>::skip(std::size_t count) && {
    return detail::skipped(std::move(*this), count);
}
template <class T>
async_stream<std::vector<T>> async_stream<T>::buffer(std::size_t count) && {
    if (count == 0) throw std::invalid_argument("async_stream::buffer needs groups of at least one item");
    return detail::buffered(std::move(*this), count);
}
template <class T>
task<std::vector<T>> async_stream<T>::to_vector() && {
    return detail::vector_of(std::move(*this));
}
template <class T>
template <class F>
task<> async_stream<T>::for_each(F function) && {
    return detail::for_each_of(std::move(*this), std::move(function));
}
template <class T>
auto async_stream<T>::to_blocking_range() && {
    return detail::blocking_stream<T>(std::move(*this));
}

/// The items of all `sources` as they come; those of one source stay in their order. What one throws ends the whole.
/// A merge that ends early cancels its sources' token, waits for the step that each has begun, and disposes of them.
template <class T>
[[nodiscard]] async_stream<T> merge(std::vector<async_stream<T>> sources) {
    return detail::merged(std::move(sources));
}
template <class T, class... Rest>
    requires(std::is_same_v<Rest, async_stream<T>> && ...)
[[nodiscard]] async_stream<T> merge(async_stream<T> first, Rest... rest) {
    std::vector<async_stream<T>> sources;
    sources.push_back(std::move(first));
    (sources.push_back(std::move(rest)), ...);
    return detail::merged(std::move(sources));
}

}  // namespace weft::inline WEFT_ABI

template <class T, class... Parameters>
struct std::coroutine_traits<weft::async_stream<T>, Parameters...> : weft::detail::coroutine_parameters<Parameters...> {
    using promise_type = typename weft::async_stream<T>::promise_type;
};
