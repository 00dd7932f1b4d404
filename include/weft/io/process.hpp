#pragma once
// <weft/io/process.hpp>: other programs, started, talked to and awaited.
// Follows System.Diagnostics.Process and ProcessStartInfo.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/pipe.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
class child_process;
}

/// How a process ended. A value.
struct exit_status {
    int code = 0;       ///< what it returned, when no signal ended it
    int signal = 0;     ///< that ended it; 0: it returned
    bool core = false;  ///< it left a core dump

    /// Whether it returned 0.
    [[nodiscard]] bool succeeded() const noexcept { return signal == 0 && code == 0; }
    /// "exit code 1", "signal 9".
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const exit_status&, const exit_status&) = default;
};

/// What a process gets as input, output or error. A value.
class process_stream {
public:
    enum class kind : std::uint8_t { inherit, null, pipe, file, merged, descriptor };

    /// Ours.
    [[nodiscard]] static process_stream inherit() { return process_stream(kind::inherit); }
    /// /dev/null.
    [[nodiscard]] static process_stream null() { return process_stream(kind::null); }
    /// A pipe, whose other end process::input(), output() or error() is.
    [[nodiscard]] static process_stream pipe() { return process_stream(kind::pipe); }
    /// A file, which as output is made or emptied.
    [[nodiscard]] static process_stream file(std::string path) { return {kind::file, std::move(path)}; }
    /// A file that output is added to.
    [[nodiscard]] static process_stream append(std::string path) { return {kind::file, std::move(path), true}; }
    /// Of error only: the same as output.
    [[nodiscard]] static process_stream merged() { return process_stream(kind::merged); }
    /// A copy of a descriptor of ours. Preferably one that waits (no O_NONBLOCK).
    [[nodiscard]] static process_stream descriptor(int fd) { return {kind::descriptor, {}, false, fd}; }

    [[nodiscard]] kind what() const noexcept { return kind_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool appends() const noexcept { return appends_; }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    process_stream(kind what, std::string path = {}, bool appends = false, int fd = -1)
        : kind_(what), path_(std::move(path)), appends_(appends), fd_(fd) {}

    kind kind_;
    std::string path_;
    bool appends_;
    int fd_;
};

/// What is started, and how. A value; each setter returns it.
class process_start_info {
public:
    /// @param program    with a slash: a path; without: looked for in our PATH
    /// @param arguments  without the program's name, which comes first by itself. No shell looks at them
    explicit process_start_info(std::string program, std::vector<std::string> arguments = {})
        : program_(std::move(program)), arguments_(std::move(arguments)) {}

    process_start_info& argument(std::string text);
    /// Where it starts; empty: here. A relative path of the program is looked up there.
    process_start_info& working_directory(std::string path);
    /// Adds or replaces a variable. What is not named here is inherited.
    process_start_info& environment(std::string name, std::string value);
    /// Takes a variable away.
    process_start_info& remove_environment(std::string name);
    /// Inherits nothing: what environment() names is all.
    process_start_info& clear_environment();
    /// All are inherited unless said otherwise.
    process_start_info& input(process_stream from);
    process_start_info& output(process_stream to);
    process_start_info& error(process_stream to);
    /// Gives it a copy of our descriptor `ours` as `theirs`, from 3 to 255. It gets no other descriptors, close-on-exec or not.
    /// @throws std::invalid_argument
    process_start_info& descriptor(int ours, int theirs);
    /// Its own process group: kill() and terminate() reach what it starts, too, but a terminal's Ctrl-C does not reach it.
    process_start_info& own_group(bool on = true);
    /// Cancelling process::wait() kills it and waits for its end, instead of leaving it alone.
    process_start_info& kill_on_cancel(bool on = true);

    [[nodiscard]] const std::string& program() const noexcept { return program_; }
    [[nodiscard]] const std::vector<std::string>& arguments() const noexcept { return arguments_; }

private:
    friend class process;
    friend class detail::child_process;

    std::string program_;
    std::vector<std::string> arguments_;
    std::string directory_;
    std::map<std::string, std::optional<std::string>> variables_;  // null: taken away
    bool inherit_variables_ = true;
    process_stream input_ = process_stream::inherit();
    process_stream output_ = process_stream::inherit();
    process_stream error_ = process_stream::inherit();
    std::vector<std::pair<int, int>> descriptors_;  // ours, theirs
    bool own_group_ = false;
    bool kill_on_cancel_ = false;
};

/// How process::run() treats what goes in and comes out.
struct process_run_options {
    std::string_view input = {};                       ///< written to it; must stay until the end. Without: /dev/null
    std::size_t output_limit = std::size_t{64} << 20;  ///< bytes of output, and as many of error, beyond which it is killed
};
static_assert(std::is_trivially_destructible_v<process_run_options>);

/// What process::run() gives.
struct process_result {
    exit_status status;
    std::string output;
    std::string error;
};

/// A program that was started.
///
/// A resource: move-only. It belongs to the runtime it was started in and must not outlive it.
///
/// No thread waits for its end: the kernel's descriptor of the process (pidfd) becomes ready then, and where that is refused, SIGCHLD is
/// listened to (signals::wait()). It is reaped at its end whether somebody waits or not, so there are no zombies while the runtime runs;
/// what a shutdown leaves is reaped when the next process is started. Nobody else may reap it (waitpid(-1), SIGCHLD ignored): then wait()
/// throws io_error (ECHILD).
///
/// Continuation  of every operation: posted to the captured context, else to the pool.
/// Threads       every member may be called from any thread at any time, but for moves; of the pipes see pipe_reader.
/// Lifetime      destroying it closes our ends of its pipes and leaves it running; it is reaped in the background.
class process {
public:
    /// None.
    process() noexcept = default;

    /// Starts it. Our thread waits until the program has been loaded (posix_spawn: no copy of our memory, no handler of ours runs in it),
    /// for about a millisecond. Signals that we ignore stay ignored in it, but SIGPIPE and SIGXFSZ; none are blocked.
    /// @throws io_error  "start '/no/such' failed: no such file or directory (ENOENT)"; of a file for its streams, "open '/x' …"
    [[nodiscard]] static process start(const process_start_info& info);
    /// Starts it with nothing but arguments.
    [[nodiscard]] static process start(std::string program, std::vector<std::string> arguments = {});

    /// Runs it to its end, feeds it `options.input` and collects what it writes, unless `info` says where that goes.
    ///
    /// It ends when the process has ended and its output, too: a grandchild that keeps the pipe open is waited for.
    /// Cancellation  kills it (with own_group() all it has started), waits until it is gone, and throws operation_canceled.
    /// @throws io_error  as start(); (EMSGSIZE) when it writes more than the limit: it is killed then
    [[nodiscard]] static task<process_result> run(
        process_start_info info, process_run_options options = {}, cancellation_token token = {});
    [[nodiscard]] static task<process_result> run(std::string program, std::vector<std::string> arguments,
        process_run_options options = {}, cancellation_token token = {});

    /// Waits for its end; any number of times, also afterwards.
    /// Cancellation  leaves it alone, or kills it first: process_start_info::kill_on_cancel().
    [[nodiscard]] task<exit_status> wait(cancellation_token token = {}) const;

    /// Sends `signal` to it, or to its group when it has its own. @returns whether it had not been reaped yet
    bool kill(int signal) const;
    bool kill() const;
    /// SIGTERM, and when it is still there after `grace`, SIGKILL; then waits for its end.
    /// Cancellation  ends the grace: it is killed at once, and its end is waited for.
    [[nodiscard]] task<exit_status> terminate(std::chrono::nanoseconds grace, cancellation_token token = {}) const;

    /// Our ends of its pipes; not open where it has none.
    [[nodiscard]] io::pipe_writer& input() noexcept { return input_; }
    [[nodiscard]] io::pipe_reader& output() noexcept { return output_; }
    [[nodiscard]] io::pipe_reader& error() noexcept { return error_; }

    /// The system's number of it. @throws invalid_operation  of none
    [[nodiscard]] int id() const;
    /// Whether its end is not known yet.
    [[nodiscard]] bool is_running() const noexcept;

private:
    std::shared_ptr<detail::child_process> child_;
    io::pipe_writer input_;
    io::pipe_reader output_;
    io::pipe_reader error_;
};

}  // namespace weft::inline WEFT_ABI
