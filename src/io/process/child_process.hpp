#pragma once
// src/io/process/child_process.hpp: a child of ours, from its start until it has been reaped.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <sys/types.h>

#include "io/signal_subscription.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/io/net/unix.hpp"
#include "weft/io/process.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Our ends of a child's pipes.
struct child_pipes {
    net::owned_descriptor input;
    net::owned_descriptor output;
    net::owned_descriptor error;
};

/// Shared by the process object, who waits on it, and the coroutine that waits for its end. Whoever is last with a child that was not
/// reaped leaves it to the next start. A child that runs on without anybody's interest does not hold up the runtime's shutdown.
class child_process {
public:
    /// Starts it, and waits for its end in the background. @returns the users' share: when all copies are gone, nobody is interested
    [[nodiscard]] static std::shared_ptr<child_process> start(const process_start_info& info, child_pipes& pipes);

    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] pid_t id() const noexcept { return id_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool kill_on_cancel() const noexcept { return kill_on_cancel_; }
    [[nodiscard]] task<exit_status> ended() const { return ended_.task(); }
    /// @returns whether it had not been reaped
    bool signal(int number) noexcept;

private:
    child_process(const process_start_info& info, pid_t id);
    void let_go() noexcept;
    [[nodiscard]] static task<> watch(std::shared_ptr<child_process> of);
    [[nodiscard]] task<> wait_for_end();
    [[nodiscard]] bool reap();

    pid_t id_;
    std::string name_;
    bool group_;
    bool kill_on_cancel_;
    std::mutex mutex_;             // no signal is sent while it is reaped: its number may be another's afterwards
    bool reaped_ = false;          // under the mutex
    descriptor_owner descriptor_;  // of the process, or none:
    std::optional<signal_subscription> child_signals_;  // then its end is looked for at each SIGCHLD
    // The wait in the background ends when both hold: no user is left, and the runtime shuts down. Each side sets its own first.
    std::atomic<bool> unattended_{false};
    cancellation_token shutdown_;
    cancellation_source stop_;
    task_completion_source<exit_status> ended_{creation_options::run_continuations_asynchronously};
};

/// Makes pidfd_open() look refused, for tests of the other way.
void refuse_process_descriptors(bool on) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
