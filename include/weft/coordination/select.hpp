#pragma once
// <weft/coordination/select.hpp>: waiting for several channels, tasks and times at once, and taking exactly one.
// Follows the select statement of Go; .NET has none.
// SPDX-License-Identifier: MIT

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "weft/base/dispatcher.hpp"
#include "weft/coordination/broadcast_channel.hpp"
#include "weft/coordination/channel.hpp"
#include "weft/coordination/detail/broadcast_select.hpp"
#include "weft/coordination/detail/channel_select.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

// What a user hands over, and what waits. The latter does not move: it stands in the lines of channels.

template <class T>
struct read_case {
    using result = std::optional<T>;
    explicit read_case(channel_ref<channel_state<T>> of) noexcept : channel(std::move(of)) {}
    channel_ref<channel_state<T>> channel;
};
template <class T>
struct receive_case {
    using result = std::optional<T>;
    explicit receive_case(channel_ref<broadcast_subscription<T>> of) noexcept : from(std::move(of)) {}
    channel_ref<broadcast_subscription<T>> from;
};
template <class T>
struct write_case {
    using result = bool;
    write_case(channel_ref<channel_state<T>> of, T&& written) noexcept : channel(std::move(of)), item(std::move(written)) {}
    channel_ref<channel_state<T>> channel;
    T item;
};
template <class T>
struct task_case {
    using result = task<T>;
    explicit task_case(task<T> of) noexcept : watched(std::move(of)) {}
    task<T> watched;
};
struct time_case {
    using result = std::monostate;
    explicit time_case(std::chrono::nanoseconds after) noexcept : limit(after) {}
    std::chrono::nanoseconds limit;
};

template <class Case>
class select_party;

template <class T>
class select_party<read_case<T>> final : public select_reading<T> {
public:
    explicit select_party(read_case<T>&& from) noexcept : select_reading<T>(std::move(from.channel)) {}
};
template <class T>
class select_party<receive_case<T>> final : public select_receiving<T> {
public:
    explicit select_party(receive_case<T>&& of) noexcept : select_receiving<T>(std::move(of.from)) {}
};
template <class T>
class select_party<write_case<T>> final : public select_writing<T> {
public:
    explicit select_party(write_case<T>&& from) noexcept
        : select_writing<T>(std::move(from.channel), std::move(from.item)) {}
};
/// Tasks and times are no channels: they ring(), and the select of the channels is cancelled.
template <class T>
class select_party<task_case<T>> {
public:
    explicit select_party(task_case<T>&& from) noexcept : watched_(std::move(from.watched)) {}
    [[nodiscard]] bool attempt() const noexcept { return watched_.is_completed(); }
    [[nodiscard]] task_core& ring(const cancellation_token&) noexcept { return *watched_.core_or_null(); }
    [[nodiscard]] task<T> result() noexcept { return std::move(watched_); }

private:
    task<T> watched_;
};
template <>
class select_party<time_case> {
public:
    explicit select_party(time_case&& from) noexcept : limit_(from.limit) {}
    [[nodiscard]] bool attempt() const noexcept {
        return alarm_.valid() ? alarm_.is_completed_successfully() : limit_ == std::chrono::nanoseconds::zero();
    }
    [[nodiscard]] task_core& ring(const cancellation_token& stop) {
        alarm_ = delay(limit_, stop);
        return *alarm_.core_or_null();
    }
    [[nodiscard]] std::monostate result() const noexcept { return {}; }

private:
    std::chrono::nanoseconds limit_;
    task<> alarm_;
};

/// Waits for the first of `alarms`, which the caller keeps, and cancels `stop`. @returns its index
task<std::size_t> first_alarm(std::vector<task_core*> alarms, cancellation_source stop);

/// Waits for a channel of `parts`. Nothing: `stop` was cancelled first.
task<std::optional<std::size_t>> first_channel(const std::vector<select_part*>& parts, cancellation_source stop);

template <class... Cases>
class select_parties {
public:
    using result = std::variant<typename Cases::result...>;
    static constexpr std::size_t count = sizeof...(Cases);
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit select_parties(Cases&&... cases) : parties_(std::move(cases)...) {
        each([&](std::size_t index, auto& party) {
            if constexpr (std::is_base_of_v<select_part, std::remove_reference_t<decltype(party)>>) {
                parts.push_back(&party);
                part_index.push_back(index);
            } else {
                alarm_index.push_back(index);
            }
        });
    }
    select_parties(const select_parties&) = delete;
    select_parties& operator=(const select_parties&) = delete;

    /// The first that is ready, looking from `first` on; none: must wait.
    [[nodiscard]] std::size_t attempt(std::size_t first) {
        std::size_t found = none;
        for (std::size_t step = 0; step < count && found == none; ++step) {
            const std::size_t wanted = (first + step) % count;
            each([&](std::size_t index, auto& party) {
                if (index == wanted && party.attempt()) found = index;
            });
        }
        return found;
    }
    [[nodiscard]] std::vector<task_core*> ring(const cancellation_token& stop) {
        std::vector<task_core*> alarms;
        each([&]([[maybe_unused]] std::size_t index, auto& party) {
            if constexpr (requires { party.ring(stop); }) alarms.push_back(&party.ring(stop));
        });
        return alarms;
    }
    [[nodiscard]] bool has_rung(std::size_t wanted) {
        bool answer = false;
        each([&](std::size_t index, auto& party) {
            if constexpr (requires(cancellation_token stop) { party.ring(stop); })
                if (index == wanted) answer = party.attempt();
        });
        return answer;
    }
    [[nodiscard]] result take(std::size_t index) { return take_at(index, std::index_sequence_for<Cases...>()); }

    std::vector<select_part*> parts;       ///< the channels
    std::vector<std::size_t> part_index;   ///< of each part among the cases
    std::vector<std::size_t> alarm_index;  ///< of each other case

private:
    template <class Visit>
    void each(Visit visit) {
        [&]<std::size_t... I>(std::index_sequence<I...>) { (visit(I, std::get<I>(parties_)), ...); }(
            std::index_sequence_for<Cases...>());
    }
    template <std::size_t I>
    static result make(select_parties& self) {
        return result(std::in_place_index<I>, std::get<I>(self.parties_).result());
    }
    template <std::size_t... I>
    result take_at(std::size_t index, std::index_sequence<I...>) {
        using maker = result (*)(select_parties&);
        static constexpr std::array<maker, count> makers{&make<I>...};
        return makers[index](*this);
    }

    std::tuple<select_party<Cases>...> parties_;
};

template <class... Cases>
task<std::variant<typename Cases::result...>> select_one(cancellation_token token, Cases... cases) {
    using parties_type = select_parties<Cases...>;
    token.throw_if_cancellation_requested();
    parties_type parties(std::move(cases)...);
    const std::uint64_t first = parties_type::count > 1 ? current_dispatcher().random() : 0;
    if (const std::size_t ready = parties.attempt(first % parties_type::count); ready != parties_type::none)
        co_return parties.take(ready);

    cancellation_source stop = cancellation_source::linked(token);
    if (parties.alarm_index.empty()) {
        task<std::optional<std::size_t>> waiting = first_channel(parties.parts, stop);
        const std::optional<std::size_t> part = co_await waiting;
        if (!part.has_value()) throw task_canceled(token);
        co_return parties.take(parties.part_index[*part]);
    }
    // When a channel is first, or has failed, nothing may ring any more: the last alarm is our own. Without channels nobody else hears
    // the token: it rings that one, and nothing may go on inside cancel().
    const bool channels = !parties.parts.empty();
    task_completion_source<> quit(channels ? creation_options::none : creation_options::run_continuations_asynchronously);
    const task<> quitting = quit.task();
    cancellation_registration asked;
    if (!channels) asked = token.unsafe_register([&quit] { quit.set_result(); });
    task<std::size_t> ringing;
    try {
        std::vector<task_core*> alarms = parties.ring(stop.token());
        alarms.push_back(quitting.core_or_null());
        ringing = first_alarm(std::move(alarms), stop);
        if (ringing.is_faulted()) ringing.get();  // nobody listens to them
    } catch (...) {
        stop.cancel();
        throw;
    }
    std::optional<std::size_t> part;
    std::exception_ptr failure;
    if (channels) {
        try {
            task<std::optional<std::size_t>> waiting = first_channel(parties.parts, stop);
            part = co_await waiting;
        } catch (...) {
            failure = std::current_exception();  // alarms that still ring use what is here
        }
        quit.set_result();
    }
    const std::size_t rung = co_await ringing;
    if (failure != nullptr) std::rethrow_exception(failure);
    if (part.has_value()) co_return parties.take(parties.part_index[*part]);
    const bool by_alarm = rung < parties.alarm_index.size() && parties.has_rung(parties.alarm_index[rung]);
    if (!by_alarm) throw task_canceled(token);
    co_return parties.take(parties.alarm_index[rung]);
}

}  // namespace detail

/// A case of select(): an item read. Its result is the item; nothing when the channel is complete and empty.
template <class T>
[[nodiscard]] detail::read_case<T> case_read(const channel_reader<T>& from) {
    return detail::read_case<T>(from.share());
}
/// The same of a subscription. Its result is nothing also when that has unsubscribed.
template <class T>
[[nodiscard]] detail::receive_case<T> case_read(const broadcast_reader<T>& from) {
    return detail::receive_case<T>(from.share());
}
/// A case of select(): `item` written. Its result is true; false when the channel is complete, and then the item is lost.
template <class T>
[[nodiscard]] detail::write_case<T> case_write(const channel_writer<T>& to, std::type_identity_t<T> item) {
    return detail::write_case<T>(to.share(), std::move(item));
}
/// A case of select(): the end of a task, however it ends. Its result is the task. @throws std::invalid_argument  for an empty handle
template <class T>
[[nodiscard]] detail::task_case<T> case_task(task<T> watched) {
    detail::require_handle(watched.core_or_null(), "case_task");
    return detail::task_case<T>(std::move(watched));
}
/// A case of select(): a time from now, as for delay(). @throws std::invalid_argument  as delay() does
[[nodiscard]] inline detail::time_case case_after(std::chrono::nanoseconds limit) {
    detail::check_delay(limit, "case_after");
    return detail::time_case(limit);
}

/// Waits until one of the cases can happen, and lets exactly that one happen: one item is read, or one is written, or a task has ended, or
/// a time is over. The others leave no trace. `const auto chosen = co_await select(case_read(jobs), case_after(1s));`
///
/// Returns       a variant: index() says which case, in the order of the arguments, and std::get its result. Of several that are
///               ready a random one is chosen.
/// Continuation  as for any task.
/// Throws        what the channel of the chosen case was completed with.
/// Cancellation  while it waits, by a token as the first argument: task_canceled carrying it, and no case happened.
/// Allocation    a recycled frame, and when it has to wait some for the lines; more with tasks and times.
template <class... Cases>
    requires(sizeof...(Cases) > 0 && (requires {
        typename detail::select_party<Cases>;
        typename Cases::result;
    } && ...))
[[nodiscard]] task<std::variant<typename Cases::result...>> select(Cases... cases) {
    return detail::select_one<Cases...>(cancellation_token(), std::move(cases)...);
}
template <class... Cases>
    requires(sizeof...(Cases) > 0)
[[nodiscard]] task<std::variant<typename Cases::result...>> select(cancellation_token token, Cases... cases) {
    return detail::select_one<Cases...>(std::move(token), std::move(cases)...);
}

}  // namespace weft::inline WEFT_ABI
