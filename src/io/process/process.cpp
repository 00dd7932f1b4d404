// src/io/process/process.cpp: what a user does with a child; see child_process.cpp for the child.
// SPDX-License-Identifier: MIT

#include "weft/io/process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <mutex>
#include <stdexcept>

#include "io/process/child_process.hpp"
#include "weft/base/error.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI {

std::string exit_status::to_string() const {
    return signal != 0 ? "signal " + std::to_string(signal) : "exit code " + std::to_string(code);
}

// ---- process_start_info

process_start_info& process_start_info::argument(std::string text) {
    arguments_.push_back(std::move(text));
    return *this;
}

process_start_info& process_start_info::working_directory(std::string path) {
    directory_ = std::move(path);
    return *this;
}

process_start_info& process_start_info::environment(std::string name, std::string value) {
    if (name.empty() || name.find('=') != std::string::npos)
        throw std::invalid_argument("'" + name + "' is not the name of a variable");
    variables_[std::move(name)] = std::move(value);
    return *this;
}

process_start_info& process_start_info::remove_environment(std::string name) {
    variables_[std::move(name)] = std::nullopt;
    return *this;
}

process_start_info& process_start_info::clear_environment() {
    inherit_variables_ = false;
    return *this;
}

process_start_info& process_start_info::input(process_stream from) {
    if (from.what() == process_stream::kind::merged) throw std::invalid_argument("only error can be merged with output");
    input_ = std::move(from);
    return *this;
}

process_start_info& process_start_info::output(process_stream to) {
    if (to.what() == process_stream::kind::merged) throw std::invalid_argument("only error can be merged with output");
    output_ = std::move(to);
    return *this;
}

process_start_info& process_start_info::error(process_stream to) {
    error_ = std::move(to);
    return *this;
}

process_start_info& process_start_info::descriptor(int ours, int theirs) {
    const auto taken = [theirs](const std::pair<int, int>& each) { return each.second == theirs; };
    if (ours < 0 || theirs < 3 || theirs > 255 || std::ranges::any_of(descriptors_, taken))
        throw std::invalid_argument("a child's descriptor is a number from 3 to 255, each once");
    descriptors_.emplace_back(ours, theirs);
    return *this;
}

process_start_info& process_start_info::own_group(bool on) {
    own_group_ = on;
    return *this;
}

process_start_info& process_start_info::kill_on_cancel(bool on) {
    kill_on_cancel_ = on;
    return *this;
}

// ---- process

namespace {

detail::child_process& known(const std::shared_ptr<detail::child_process>& child) {
    if (child == nullptr) throw invalid_operation("no process was started here");
    return *child;
}

task<exit_status> wait_for(std::shared_ptr<detail::child_process> child, cancellation_token token) {
    const task<exit_status> ended = child->ended();
    try {
        co_return co_await ended.wait_async(token).configure_await(false);
    } catch (const operation_canceled&) {
        if (!token.is_cancellation_requested()) throw;
    }
    if (child->kill_on_cancel()) {
        child->signal(SIGKILL);
        co_await ended.configure_await(false);
    }
    throw operation_canceled(token);
}

task<exit_status> terminate_child(
    std::shared_ptr<detail::child_process> child, std::chrono::nanoseconds grace, cancellation_token token) {
    const task<exit_status> ended = child->ended();
    child->signal(SIGTERM);
    try {
        co_return co_await ended.wait_async(grace, token).configure_await(false);
    } catch (const timeout_exception&) {
        // Its time is over.
    } catch (const operation_canceled&) {
        if (!token.is_cancellation_requested()) throw;
    }
    child->signal(SIGKILL);
    co_return co_await ended.configure_await(false);
}

/// What one of the three streams of run() does with the others when it fails. They run side by side.
class run_control {
public:
    run_control(const process& of, const cancellation_token& token)
        : child_(of), stop_(cancellation_source::linked(token, cancellation_token())) {}

    /// In a handler: kills the child and ends what waits; the first failure is the one to tell.
    void give_up() {
        {
            const std::lock_guard guard(mutex_);
            if (failure_ == nullptr) failure_ = std::current_exception();
        }
        child_.kill();
        stop_.cancel();
    }
    [[nodiscard]] cancellation_token token() const { return stop_.token(); }
    /// Once all have ended.
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }

private:
    const process& child_;
    cancellation_source stop_;
    std::mutex mutex_;
    std::exception_ptr failure_;
};

/// @param token  fires, too, when nobody reads any more
task<> feed(io::pipe_writer& to, std::string_view input, run_control& control, cancellation_token token) {
    try {
        co_await to.write(input, std::move(token)).configure_await(false);
    } catch (const operation_canceled&) {
        if (control.token().is_cancellation_requested()) control.give_up();
    } catch (const io_error& error) {
        // It may end, or close its input, without having read everything.
        if (error.code().value() != EPIPE) control.give_up();
    } catch (...) {
        control.give_up();
    }
    co_await to.close().configure_await(false);
}

void append(std::string& to, std::span<const char> piece, std::size_t limit, const std::string& name) {
    if (piece.size() > limit - to.size())
        throw io_error(std::make_error_code(std::errc::message_size),
            "collect at most " + std::to_string(limit) + " bytes from '" + name + "'");
    to.append(piece.data(), piece.size());
}

task<> collect(io::pipe_reader& from, std::string& to, std::size_t limit, run_control& control) {
    if (!from.is_open()) co_return;
    try {
        std::vector<char> room(64 * 1024);
        const std::string name = from.peer_name();
        for (;;) {
            const std::size_t count = co_await from.read(std::span<char>(room), control.token()).configure_await(false);
            if (count == 0) break;
            append(to, std::span<const char>(room).first(count), limit, name);
        }
    } catch (...) {
        control.give_up();
    }
    co_await from.close().configure_await(false);
}

task<process_result> run_child(process child, process_run_options options, cancellation_token token) {
    process_result result;
    run_control control(child, token);
    cancellation_source unread = cancellation_source::linked(control.token(), cancellation_token());
    task<> feeding = completed_task(), output = completed_task(), error = completed_task();
    try {
        if (child.input().is_open()) feeding = feed(child.input(), options.input, control, unread.token());
        output = collect(child.output(), result.output, options.output_limit, control);
        error = collect(child.error(), result.error, options.output_limit, control);
    } catch (...) {
        control.give_up();  // those who have begun use what is here
    }
    // They tell control of their failures, but for one of closing.
    co_await output.configure_await(configure_await_options::suppress_throwing);
    co_await error.configure_await(configure_await_options::suppress_throwing);
    // With its output closed it may go on, and may even go on reading.
    try {
        result.status = co_await child.wait(control.token()).configure_await(false);
    } catch (...) {
        control.give_up();
    }
    // Who is gone reads no more; a grandchild may have kept the pipe.
    unread.cancel();
    co_await feeding.configure_await(configure_await_options::suppress_throwing);
    if (control.failure() == nullptr) co_return result;
    // Killed: what is left is to see it go.
    try {
        static_cast<void>(co_await child.wait().configure_await(false));
    } catch (const std::exception&) {
        // The first failure is the one to tell.
    }
    if (token.is_cancellation_requested()) throw operation_canceled(token);
    std::rethrow_exception(control.failure());
}

}  // namespace

process process::start(const process_start_info& info) {
    process made;
    detail::child_pipes pipes;
    made.child_ = detail::child_process::start(info, pipes);
    const std::string& name = info.program();
    try {
        if (pipes.input) made.input_ = io::pipe_writer::adopt(pipes.input.get(), name);
        static_cast<void>(pipes.input.release());
        if (pipes.output) made.output_ = io::pipe_reader::adopt(pipes.output.get(), name);
        static_cast<void>(pipes.output.release());
        if (pipes.error) made.error_ = io::pipe_reader::adopt(pipes.error.get(), name);
        static_cast<void>(pipes.error.release());
    } catch (...) {
        made.kill();  // whoever asked for it has no process
        throw;
    }
    return made;
}

process process::start(std::string program, std::vector<std::string> arguments) {
    const process_start_info info(std::move(program), std::move(arguments));
    return start(info);
}

task<process_result> process::run(process_start_info info, process_run_options options, cancellation_token token) {
    if (token.is_cancellation_requested()) return from_canceled<process_result>(std::move(token));
    using kind = process_stream::kind;
    if (info.input_.what() == kind::inherit)
        info.input(options.input.empty() ? process_stream::null() : process_stream::pipe());
    if (info.output_.what() == kind::inherit) info.output(process_stream::pipe());
    if (info.error_.what() == kind::inherit) info.error(process_stream::pipe());
    process child;
    try {
        child = start(info);
    } catch (const io_error&) {
        return from_exception<process_result>(std::current_exception());
    }
    return run_child(std::move(child), options, std::move(token));
}

task<process_result> process::run(
    std::string program, std::vector<std::string> arguments, process_run_options options, cancellation_token token) {
    return run(process_start_info(std::move(program), std::move(arguments)), options, std::move(token));
}

task<exit_status> process::wait(cancellation_token token) const {
    static_cast<void>(known(child_));
    return wait_for(child_, std::move(token));
}

bool process::kill(int signal) const { return known(child_).signal(signal); }
bool process::kill() const { return kill(SIGKILL); }

task<exit_status> process::terminate(std::chrono::nanoseconds grace, cancellation_token token) const {
    static_cast<void>(known(child_));
    return terminate_child(child_, grace, std::move(token));
}

int process::id() const { return known(child_).id(); }

bool process::is_running() const noexcept { return child_ != nullptr && !child_->ended().is_completed(); }

}  // namespace weft::inline WEFT_ABI
