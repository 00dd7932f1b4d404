#pragma once
// What a server and its connections share, and one connection's session.
//
// Deadlines cost no timer: a session writes down the tick by which it must have got on, and one task for the whole server looks
// at all sessions once a second. A session that waits for its client is ended by cancelling its read, which still gives the
// bytes that had arrived; one that waits for its client to take bytes is closed.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/h1.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/http/server.hpp"
#include "weft/io/net/tcp.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::http::detail {

class session;

class server_state : public std::enable_shared_from_this<server_state> {
public:
    server_state(handler function, const server_options& options);

    void start(const net::endpoint& where);
    [[nodiscard]] net::endpoint local_endpoint() const;
    [[nodiscard]] task<stop_report> stop(std::chrono::nanoseconds deadline);
    /// Aborts everything; waits for nothing.
    void abandon() noexcept;

    /// Adds a session, unless there are too many. @returns whether it was added
    bool enter(const std::shared_ptr<session>& added);
    void leave(session& left) noexcept;
    [[nodiscard]] bool is_stopping() const noexcept { return stopping_.load(std::memory_order_seq_cst); }

    /// Calls the handler. @throws what it throws synchronously
    [[nodiscard]] value_task<response> handle(request& asked, const cancellation_token& token) {
        return handler_(asked, token);
    }
    void report(const std::exception_ptr& error) noexcept;

    [[nodiscard]] const server_options& options() const noexcept { return options_; }
    [[nodiscard]] h1_limits limits() const noexcept;
    /// Counts seconds from the start, for deadlines.
    [[nodiscard]] std::int64_t tick() const noexcept { return tick_.load(std::memory_order_relaxed); }
    /// The wall clock in seconds, for Date.
    [[nodiscard]] std::int64_t now() const noexcept { return now_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::size_t connection_count() const noexcept;
    [[nodiscard]] std::uint64_t total_connections() const noexcept;
    [[nodiscard]] std::uint64_t total_requests() const noexcept;

    unique_function<void(const std::exception_ptr&)> on_error;

private:
    static task<> accept_connections(std::shared_ptr<server_state> self);
    static task<> sweep(std::shared_ptr<server_state> self);
    static task<> turn_away(net::tcp_stream stream);
    void admit(net::tcp_stream stream);
    void set_time() noexcept;
    [[nodiscard]] task<> drained();
    [[nodiscard]] std::vector<std::shared_ptr<session>> sessions() const;

    handler handler_;
    server_options options_;
    time_provider* clock_ = nullptr;
    net::tcp_listener listener_;
    cancellation_source accepting_;  // cancelled: no more
    cancellation_source sweeping_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::int64_t> tick_{0};
    std::atomic<std::int64_t> now_{0};

    mutable std::mutex lock_;  // of what follows; nothing is resumed and no session called under it
    std::list<std::shared_ptr<session>> sessions_;
    std::vector<task_completion_source<>> drained_;  // each completed when sessions_ becomes empty
    std::uint64_t finished_requests_ = 0;
    std::uint64_t total_connections_ = 0;
    bool started_ = false;
};

/// One connection. Its coroutine is serve(); everything else may be called from any thread.
class session : public std::enable_shared_from_this<session> {
public:
    session(std::shared_ptr<server_state> owner, net::tcp_stream stream);

    /// Serves until the connection ends, then leaves the server.
    static task<> serve(std::shared_ptr<session> self);

    /// Takes the stream of a session that was not let in.
    [[nodiscard]] static net::tcp_stream take_stream(session& refused) noexcept;

    /// Looks at the deadline; called once a second.
    void check(std::int64_t tick) noexcept;
    /// The server stops: if this waits for a next request, the wait ends.
    void stop_when_idle() noexcept;
    /// Cancels the handler's token and closes the connection.
    void abort() noexcept;

    [[nodiscard]] std::uint64_t requests() const noexcept { return requests_.load(std::memory_order_relaxed); }

    std::list<std::shared_ptr<session>>::iterator place;  // in the server's list, under its lock

private:
    friend class body_stream;
    class membership;

    // What the session waits for: decides what becomes of it at its deadline, or when the server stops.
    enum class phase : std::uint8_t { idle, receiving, handling, sending };

    task<> run();
    task<> flush();
    task<> send_long(response& given);
    task<> watch();
    task<> linger();
    [[nodiscard]] h1_progress advance();
    [[nodiscard]] bool append_response(response& given);
    void append_refusal(const h1_error& error);
    void append_end_of_input();
    [[nodiscard]] response answer_failure(const std::exception_ptr& error);
    void enter(phase now, std::int64_t seconds) noexcept;
    void begin_sending(std::size_t bytes) noexcept;
    [[nodiscard]] std::span<std::byte> begin_reading();
    void took(std::size_t bytes) noexcept;
    void end_reading() noexcept;
    [[nodiscard]] bool has_ended() const noexcept { return ended_.is_cancellation_requested(); }

    std::shared_ptr<server_state> owner_;
    net::tcp_stream stream_;
    read_buffer input_;
    std::string output_;
    request_reader reader_;
    request asked_;
    cancellation_source ended_;          // cancelled: no more is read
    std::atomic<bool> given_up_{false};  // by abort()
    cancellation_source aborted_;        // cancelled: the client is gone, or the server waits no longer
    cancellation_token ended_token_;
    cancellation_token aborted_token_;
    task<> watching_;  // a read that goes on while the handler works; then it alone uses input_
    std::size_t watched_ = 0;
    std::size_t read_size_ = 4 * 1024;
    std::int64_t began_ = 0;  // tick of the first byte of the head, or of the body
    unsigned turns_ = 0;
    std::atomic<std::int64_t> deadline_{0};
    std::atomic<std::uint64_t> requests_{0};
    std::atomic<phase> phase_{phase::idle};
    std::atomic<bool> timed_out_{false};
    bool keep_alive_ = true;
    bool in_body_ = false;
};

}  // namespace weft::inline WEFT_ABI::http::detail
