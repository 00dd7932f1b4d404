// src/io/process/child_process.cpp: the life of a child.
//
//   start   its streams, posix_spawn, pidfd_open, watch() in the background
//   watch   waits until the pidfd is ready, or for SIGCHLDs, and reaps it; then all that wait go on
//   later   a child whose watch() ended with the runtime is left to whoever starts the next one
//
// SPDX-License-Identifier: MIT

#include "io/process/child_process.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/pollable_state.hpp"
#include "io/process/spawn.hpp"
#include "weft/base/error.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

[[noreturn]] void fail(int error, const std::string& attempt) {
    throw io_error(std::error_code(error, std::generic_category()), attempt);
}

// ---- children that nobody waits for any more

struct orphans {
    std::mutex mutex;
    std::vector<pid_t> ids;
    std::size_t children = 0;  // that may become one; there is room for all of them

    static orphans& all() {
        static orphans* const only = new orphans;  // never destroyed: a child may be left at the very end
        return *only;
    }
    /// Before a child is started: whoever lets go of it then cannot fail.
    void make_room() {
        const std::lock_guard guard(mutex);
        const std::size_t wanted = ids.size() + children + 1;
        if (wanted > ids.capacity()) ids.reserve(2 * wanted);
        ++children;
    }
    /// @param id  of a child that was not reaped, or 0
    void child_has_gone(pid_t id) noexcept {
        const std::lock_guard guard(mutex);
        --children;
        if (id != 0) ids.push_back(id);
    }
    void reap() noexcept {
        const std::lock_guard guard(mutex);
        std::erase_if(ids, [](pid_t id) {
            siginfo_t info{};
            const int result = ::waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOHANG);
            return result != 0 ? errno != EINTR : info.si_pid != 0;
        });
    }
};

// ---- what the child sees

std::vector<std::string> make_environment(
    const std::map<std::string, std::optional<std::string>>& variables, bool inherit) {
    std::vector<std::string> result;
    for (char** each = inherit ? environ : nullptr; each != nullptr && *each != nullptr; ++each) {
        const std::string_view text(*each);
        if (!variables.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
    }
    for (const auto& [name, value] : variables) {
        if (value) result.push_back(name + "=" + *value);
    }
    return result;
}

int open_for(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (fd < 0) fail(errno, "open '" + path + "'");
    return fd;
}

/// The child's descriptors, and those of ours that they are made from.
class stream_plan {
public:
    std::vector<std::pair<int, int>> descriptors;

    /// @param ours  our end of a pipe
    void add(const process_stream& stream, int number, net::owned_descriptor& ours) {
        const bool reads = number == STDIN_FILENO;
        int from = -1;
        switch (stream.what()) {
            case process_stream::kind::inherit:
                if (::fcntl(number, F_GETFD) >= 0) from = number;
                break;
            case process_stream::kind::null: from = keep(open_for("/dev/null", reads ? O_RDONLY : O_WRONLY)); break;
            case process_stream::kind::file: {
                const int writing = O_WRONLY | O_CREAT | (stream.appends() ? O_APPEND : O_TRUNC);
                from = keep(open_for(stream.path(), reads ? O_RDONLY : writing));
                break;
            }
            case process_stream::kind::pipe: {
                int ends[2];
                if (::pipe2(ends, O_CLOEXEC) != 0) fail(errno, "make a pipe");
                ours = net::owned_descriptor(ends[reads ? 1 : 0]);
                from = keep(ends[reads ? 0 : 1]);
                break;
            }
            case process_stream::kind::merged: from = output_; break;
            case process_stream::kind::descriptor: from = stream.fd(); break;
        }
        if (number == STDOUT_FILENO) output_ = from;
        if (from >= 0) descriptors.emplace_back(from, number);
    }

private:
    int keep(int fd) {
        net::owned_descriptor own(fd);
        kept_.push_back(std::move(own));
        return fd;
    }
    int output_ = -1;
    std::vector<net::owned_descriptor> kept_;
};

std::atomic<bool> descriptors_refused{false};

int open_process_descriptor(pid_t id) noexcept {
    if (descriptors_refused.load()) {
        errno = ENOSYS;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
}

/// Once for the process: whether pidfd_open works at all.
bool has_process_descriptors() noexcept {
    const net::owned_descriptor own(open_process_descriptor(::getpid()));
    return own.get() >= 0 || errno == EMFILE || errno == ENFILE || errno == ENOMEM;
}

/// Background work has no business with the caller's locals.
void start_detached(task<> (*body)(std::shared_ptr<child_process>), const std::shared_ptr<child_process>& of) {
    if (execution_context::is_flow_suppressed()) return body(of).forget();
    const auto guard = execution_context::suppress_flow();
    body(of).forget();
}

}  // namespace

void refuse_process_descriptors(bool on) noexcept { descriptors_refused.store(on); }

child_process::child_process(const process_start_info& info, pid_t id)
    : id_(id), name_(info.program_), group_(info.own_group_), kill_on_cancel_(info.kill_on_cancel_) {
    orphans::all().make_room();
}

child_process::~child_process() { orphans::all().child_has_gone(reaped_ ? 0 : id_); }

std::shared_ptr<child_process> child_process::start(const process_start_info& info, child_pipes& pipes) {
    orphans::all().reap();
    io_driver& driver = current_io_driver();
    stream_plan plan;
    plan.add(info.input_, STDIN_FILENO, pipes.input);
    plan.add(info.output_, STDOUT_FILENO, pipes.output);
    plan.add(info.error_, STDERR_FILENO, pipes.error);
    for (const auto& each : info.descriptors_) plan.descriptors.push_back(each);
    const std::vector<std::string> environment = make_environment(info.variables_, info.inherit_variables_);

    std::shared_ptr<child_process> child(new child_process(info, 0));
    child->reaped_ = true;
    // From before its end: or a SIGCHLD might come while nobody listens.
    if (!has_process_descriptors()) child->child_signals_.emplace(std::uint64_t{1} << (SIGCHLD - 1));
    child->id_ = spawn(spawn_request{
        info.program_, info.arguments_, environment, info.directory_, std::move(plan.descriptors), info.own_group_});
    child->reaped_ = false;
    try {
        if (!child->child_signals_) {
            net::owned_descriptor own(open_process_descriptor(child->id_));
            if (own.get() < 0) fail(errno, "start '" + info.program_ + "'");
            child->descriptor_ = descriptor_owner(new pollable_state(driver, own.get(), "process", info.program_, false));
            static_cast<void>(own.release());
        }
        child->shutdown_ = runtime::current().shutdown_token();
        start_detached(&watch, child);
        return std::shared_ptr<child_process>(child.get(), [child](child_process*) { child->let_go(); });
    } catch (...) {
        child->signal(SIGKILL);  // nobody has it
        throw;
    }
}

void child_process::let_go() noexcept {
    unattended_.store(true, std::memory_order_seq_cst);
    if (shutdown_.is_cancellation_requested()) stop_.cancel();
}

bool child_process::signal(int number) noexcept {
    const std::lock_guard guard(mutex_);
    if (reaped_) return false;
    ::kill(group_ ? -id_ : id_, number);
    return true;
}

task<> child_process::watch(std::shared_ptr<child_process> of) {
    try {
        const cancellation_registration registered = of->shutdown_.unsafe_register([child = of.get()] {
            if (child->unattended_.load(std::memory_order_seq_cst)) child->stop_.cancel();
        });
        co_await of->wait_for_end().configure_await(false);
    } catch (const operation_canceled&) {
        of->ended_.try_set_canceled();
    } catch (...) {
        of->ended_.try_set_exception(std::current_exception());
    }
}

task<> child_process::wait_for_end() {
    while (!reap()) {
        if (child_signals_) {
            static_cast<void>(co_await child_signals_->next(stop_.token()).configure_await(false));
        } else {
            auto& state = static_cast<pollable_state&>(*descriptor_.get());
            co_await wait_until_ready(state, POLLIN, stop_.token()).configure_await(false);
        }
    }
    // Nobody needs them any more, though the process object may live long.
    child_signals_.reset();
    descriptor_ = descriptor_owner();
}

/// @returns whether it has ended
bool child_process::reap() {
    siginfo_t info{};
    {
        const std::lock_guard guard(mutex_);
        int result = 0;
        do result = ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG);
        while (result != 0 && errno == EINTR);
        if (result == 0 && info.si_pid == 0) return false;
        reaped_ = true;
        if (result != 0) fail(errno, "wait for '" + name_ + "'");
    }
    exit_status status;
    if (info.si_code == CLD_EXITED) status.code = info.si_status;
    else status.signal = info.si_status;
    status.core = info.si_code == CLD_DUMPED;
    ended_.try_set_result(status);
    return true;
}

}  // namespace weft::inline WEFT_ABI::detail
