// The search for an order of the calls. All positions the model can be in are carried along the history: at each end of a call, what
// may have happened until then is followed in every order, and only the positions in which that call ended as it did are kept.
// SPDX-License-Identifier: MIT

#include "testing/history.hpp"

#include <algorithm>
#include <utility>

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

enum class place : std::uint8_t { outside, begun, waiting, through, over };

/// What the model may look like at some moment.
struct position {
    std::unique_ptr<sequential_model> state;
    std::vector<place> places;          // of each call
    std::vector<std::int64_t> tickets;  // of each call
    std::vector<std::size_t> waiting;   // calls, in the order they came

    position() = default;
    position(const position& other)
        : state(other.state->copy()), places(other.places), tickets(other.tickets), waiting(other.waiting) {}
    position(position&&) noexcept = default;
    position& operator=(const position&) = delete;
    position& operator=(position&&) noexcept = default;
    ~position() = default;

    friend bool operator==(const position& left, const position& right) {
        return left.places == right.places && left.waiting == right.waiting && left.tickets == right.tickets &&
            left.state->equals(*right.state);
    }
};

class search {
public:
    search(const history& of, const scenario_plan& plan) : history_(of), plan_(plan) {
        position first;
        first.state = plan.initial->copy();
        first.places.resize(of.calls.size(), place::outside);
        first.tickets.resize(of.calls.size(), 0);
        positions_.push_back(std::move(first));
    }

    std::size_t run() {
        for (std::size_t at = 0; at < history_.entries.size(); ++at) {
            const auto [what, call] = history_.entries[at];
            switch (what) {
                case history_event::begins:
                    for (position& each : positions_) each.places[call] = place::begun;
                    break;
                case history_event::waits: wait(call); break;
                case history_event::ends: end(call); break;
                case history_event::rest: rest(); break;
                case history_event::asked_to_stop: break;
            }
            if (positions_.empty()) return at;
        }
        return history_.entries.size();
    }

private:
    void end(std::size_t call) {
        close();
        const bool canceled = history_.calls[call].end == call_end::canceled;
        std::erase_if(positions_, [&](const position& each) {
            const place now = each.places[call];
            return canceled ? now != place::begun && now != place::over : now != place::through;
        });
        for (position& each : positions_) each.places[call] = place::over;
        drop_equal();
    }

    void wait(std::size_t call) {
        close();
        std::erase_if(positions_, [&](const position& each) { return each.places[call] == place::begun; });
    }

    // Who has begun must wait, and must have to.
    void rest() {
        close();
        std::erase_if(positions_, [&](const position& each) {
            return std::any_of(each.places.begin(), each.places.end(),
                       [](place now) { return now == place::begun || now == place::through; }) ||
                std::any_of(each.waiting.begin(), each.waiting.end(),
                    [&](std::size_t call) { return operation_of(call).may_be_late && could_pass(each, call); });
        });
    }

    /// Adds every position that can come next without an event of the history.
    void close() {
        for (std::size_t i = 0; i < positions_.size(); ++i) {
            for (std::size_t call = 0; call < history_.calls.size(); ++call) {
                const place now = positions_[i].places[call];
                if (now == place::begun) join(position(positions_[i]), call);
                if (now == place::waiting && history_.calls[call].end == call_end::canceled)
                    leave(position(positions_[i]), call);
                if (now == place::waiting && operation_of(call).may_be_late) pass_late(position(positions_[i]), call);
            }
        }
    }

    void join(position next, std::size_t call) {
        const recorded_call& record = history_.calls[call];
        const checked_operation& operation = plan_.operations[record.operation];
        invocation told = invocation_of(next, call);
        next.state->joins(record.operation, told);
        next.tickets[call] = told.ticket;
        if (operation.refusal) {
            pass_or_be_refused(next, call);
            return;
        }
        next.places[call] = place::waiting;
        next.waiting.push_back(call);
        let_through(std::move(next));
    }

    void pass_or_be_refused(const position& from, std::size_t call) {
        const checked_operation& operation = operation_of(call);
        bool passed = false;
        for (std::size_t way = 0; way < operation.ways && !stands_behind(from, call, from.waiting.size()); ++way)
            passed = try_way(from, call, way) || passed;
        if (passed || history_.calls[call].result != *operation.refusal) return;
        position next(from);
        next.places[call] = place::through;
        let_through(std::move(next));
    }

    void pass_late(const position& from, std::size_t call) {
        if (stands_behind(from, call, place_in_line(from, call))) return;
        for (std::size_t way = 0; way < operation_of(call).ways; ++way) static_cast<void>(try_way(from, call, way));
    }
    [[nodiscard]] bool could_pass(const position& from, std::size_t call) const {
        if (stands_behind(from, call, place_in_line(from, call))) return false;
        const std::unique_ptr<sequential_model> state = from.state->copy();
        invocation told = invocation_of(from, call);
        return state->step(history_.calls[call].operation, told).has_value();
    }
    [[nodiscard]] static std::size_t place_in_line(const position& in, std::size_t call) {
        return static_cast<std::size_t>(std::find(in.waiting.begin(), in.waiting.end(), call) - in.waiting.begin());
    }

    /// @returns whether the model lets the call through in this way, be it with another result than it had
    bool try_way(const position& from, std::size_t call, std::size_t way) {
        const recorded_call& record = history_.calls[call];
        position next(from);
        invocation told = invocation_of(next, call);
        told.way = way;
        const std::optional<std::string> result = next.state->step(record.operation, told);
        if (!result) return false;
        if (record.end != call_end::returned || *result != record.result) return true;
        next.tickets[call] = 0;
        next.places[call] = place::through;
        std::erase(next.waiting, call);
        let_through(std::move(next));
        return true;
    }

    void leave(position next, std::size_t call) {
        invocation told = invocation_of(next, call);
        next.state->leaves(history_.calls[call].operation, told);
        next.places[call] = place::over;
        std::erase(next.waiting, call);
        let_through(std::move(next));
    }

    /// Lets through whoever can go, in every order there may be; keeps what is not contradicted by the history.
    void let_through(position from) {
        bool moved = false;
        for (std::size_t i = 0; i < from.waiting.size(); ++i) {
            const std::size_t call = from.waiting[i];
            if (operation_of(call).may_be_late || stands_behind(from, call, i)) continue;
            for (std::size_t way = 0; way < operation_of(call).ways; ++way) moved = try_way(from, call, way) || moved;
        }
        if (!moved && std::find(positions_.begin(), positions_.end(), from) == positions_.end())
            positions_.push_back(std::move(from));
    }

    /// Whether one of the first `index` waiters is before `call` in its line.
    [[nodiscard]] bool stands_behind(const position& in, std::size_t call, std::size_t index) const {
        const int line = operation_of(call).line;
        if (line == any_order || in.tickets[call] < 0) return false;
        return std::any_of(in.waiting.begin(), in.waiting.begin() + static_cast<std::ptrdiff_t>(index),
            [&](std::size_t other) { return operation_of(other).line == line; });
    }

    [[nodiscard]] const checked_operation& operation_of(std::size_t call) const {
        return plan_.operations[history_.calls[call].operation];
    }
    [[nodiscard]] invocation invocation_of(const position& in, std::size_t call) const {
        invocation told;
        told.caller = history_.calls[call].caller;
        told.number = call;
        told.argument = history_.calls[call].argument;
        told.ticket = in.tickets[call];
        return told;
    }

    void drop_equal() {
        for (std::size_t i = 0; i < positions_.size(); ++i)
            for (std::size_t j = positions_.size(); --j > i;)
                if (positions_[j] == positions_[i]) positions_.erase(positions_.begin() + static_cast<std::ptrdiff_t>(j));
    }

    const history& history_;
    const scenario_plan& plan_;
    std::vector<position> positions_;
};

std::string call_text(const recorded_call& call, const scenario_plan& plan) {
    const checked_operation& operation = plan.operations[call.operation];
    return operation.name + "(" + (operation.arguments > 1 ? std::to_string(call.argument) : "") + ")";
}

std::string end_text(const recorded_call& call, const scenario_plan& plan) {
    return call_text(call, plan) + (call.end == call_end::canceled ? " is cancelled" : " = " + call.result);
}

}  // namespace

std::string history::key() const {
    std::string text;
    for (const recorded_call& call : calls) {
        text += static_cast<char>('a' + call.operation);
        text += static_cast<char>('0' + call.caller);
        text += static_cast<char>('0' + call.argument);
        text += static_cast<char>('0' + static_cast<int>(call.end));
        text += call.result;
        text += '|';
    }
    for (const entry& each : entries) {
        text += static_cast<char>('0' + static_cast<int>(each.what));
        text += static_cast<char>('0' + each.call);
    }
    return text;
}

std::string history::table(const scenario_plan& plan, std::size_t marked) const {
    std::size_t columns = 0;
    std::size_t width = 8;
    for (const recorded_call& call : calls) {
        columns = std::max(columns, call.caller + 1);
        width = std::max(width, end_text(call, plan).size() + 2);
    }
    std::string text = "  ";
    for (std::size_t i = 0; i < columns; ++i) {
        std::string head = i < plan.tasks ? "task " + std::to_string(i) : "at rest";
        head.resize(width, ' ');
        text += head;
    }
    text += '\n';
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto [what, number] = entries[i];
        text += i == marked ? "> " : "  ";
        if (what == history_event::rest) {
            text += "--- nothing runs; who has begun and not ended waits ---\n";
            continue;
        }
        const recorded_call& call = calls[number];
        text += std::string(call.caller * width, ' ');
        if (what == history_event::begins) text += call_text(call, plan) + " ...\n";
        else if (what == history_event::waits) text += call_text(call, plan) + " waits\n";
        else if (what == history_event::ends) text += end_text(call, plan) + "\n";
        else text += "cancel " + call_text(call, plan) + "\n";
    }
    return text;
}

std::size_t first_unexplained(const history& of, const scenario_plan& plan) { return search(of, plan).run(); }

}  // namespace weft::inline WEFT_ABI::testing::detail
