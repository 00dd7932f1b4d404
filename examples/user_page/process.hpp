#pragma once
// user_page/process.hpp: starting the other programs, ending them whatever happens, and watching them from outside.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace user_page {

/// A program started by this one; a resource.
///
/// Lifetime  the destructor ends the program and waits for it. end_children_on_signals() does so for Ctrl-C.
class child {
public:
    /// Starts `program` from the folder of the running executable. Its standard output is read here, its errors are ours.
    /// @throws setup_error  if it cannot be started
    child(std::string_view program, std::vector<std::string> arguments);
    ~child();
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    [[nodiscard]] pid_t id() const noexcept { return id_; }
    /// Waits for the line `listening on PORT`.
    /// @throws setup_error  if the program ends instead; what is wrong it has said itself
    [[nodiscard]] std::uint16_t wait_for_port();
    /// Waits for its end. @returns the exit status, 128 + n after signal n
    int wait_for_end();
    /// Asks it to end, then makes it.
    void stop() noexcept;

private:
    std::string program_;
    pid_t id_ = -1;
    int output_ = -1;
};

/// From now on SIGINT, SIGTERM and SIGHUP end the children and this program, and remove its scratch folders.
/// Precondition: no other thread runs yet.
void end_children_on_signals();

/// Threads of a process: the entries of /proc/ID/task. 0 once it has ended.
[[nodiscard]] std::size_t thread_count(pid_t process);
/// The most memory the process has had resident, in MiB: VmHWM.
[[nodiscard]] double peak_memory_mib(pid_t process);

/// Looks at a process every two milliseconds, from construction to stop().
class thread_watch {
public:
    explicit thread_watch(pid_t process);
    ~thread_watch();
    thread_watch(const thread_watch&) = delete;
    thread_watch& operator=(const thread_watch&) = delete;

    /// Ends the watch. @returns the most threads seen
    std::size_t stop();

private:
    std::atomic<bool> stopping_{false};
    std::atomic<std::size_t> most_{0};
    std::thread thread_;
};

/// What the figures were measured on.
struct machine_facts {
    std::string cpu;
    std::size_t cores = 0;  ///< that this process may use
    std::string kernel;
    std::string compiler;
};
[[nodiscard]] machine_facts this_machine();

/// A folder of the temporary directory that goes with its owner; one at a time.
class scratch_folder {
public:
    scratch_folder();
    ~scratch_folder();
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

}  // namespace user_page
