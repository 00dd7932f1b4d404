// Children, /proc, and the machine.
// SPDX-License-Identifier: MIT

#include "process.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command_line.hpp"

extern char** environ;

namespace user_page {

namespace {

// What must go when a signal ends the program.
std::array<std::atomic<pid_t>, 16> living_children{};
std::mutex scratch_mutex;
std::vector<std::string> scratch_paths;

void remember_child(pid_t id) {
    for (auto& place : living_children) {
        pid_t none = 0;
        if (place.compare_exchange_strong(none, id)) return;
    }
}

void forget_child(pid_t id) {
    for (auto& place : living_children) {
        pid_t expected = id;
        if (place.compare_exchange_strong(expected, 0)) return;
    }
}

void remove_scratch_folders() {
    const std::lock_guard guard(scratch_mutex);
    std::error_code ignored;
    for (const std::string& path : scratch_paths) std::filesystem::remove_all(path, ignored);
    scratch_paths.clear();
}

// Runs on a thread of its own, so that it may do what a signal handler may not.
void await_signal(sigset_t signals) {
    int signal = 0;
    while (sigwait(&signals, &signal) != 0) continue;
    for (const auto& place : living_children)
        if (const pid_t id = place.load(); id > 0) {
            kill(id, SIGKILL);
            waitpid(id, nullptr, 0);
        }
    remove_scratch_folders();
    _exit(128 + signal);
}

std::string error_text(int code) { return std::strerror(code); }

std::string own_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path().string(); }

pid_t spawn(const std::string& path, std::vector<std::string>& arguments, int output) {
    std::vector<char*> words;
    for (std::string& each : arguments) words.push_back(each.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    // The signals that a thread of ours waits for are blocked here; a child must not inherit that.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    pid_t id = -1;
    const int code = posix_spawn(&id, path.c_str(), &actions, &attributes, words.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) throw setup_error("start '" + path + "' failed: " + error_text(code));
    return id;
}

std::string first_word_after(const std::string& path, std::string_view key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t at = line.find_first_not_of(" \t:", key.size());
        return at == std::string::npos ? std::string() : line.substr(at);
    }
    return {};
}

}  // namespace

child::child(std::string_view program, std::vector<std::string> arguments) : program_(program) {
    const std::string path = own_folder() + "/" + program_;
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw setup_error("make a pipe failed: " + error_text(errno));
    arguments.insert(arguments.begin(), path);
    arguments.insert(arguments.end(), {"--parent", std::to_string(getpid())});
    try {
        id_ = spawn(path, arguments, pipe_ends[1]);
    } catch (...) {
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        throw;
    }
    close(pipe_ends[1]);
    output_ = pipe_ends[0];
    remember_child(id_);
}

child::~child() {
    stop();
    if (output_ >= 0) close(output_);
}

std::uint16_t child::wait_for_port() {
    constexpr std::string_view announcement = "listening on ";
    std::string line;
    for (char next = 0; read(output_, &next, 1) == 1;) {
        if (next != '\n') {
            line += next;
            continue;
        }
        if (line.starts_with(announcement)) return static_cast<std::uint16_t>(std::stoi(line.substr(announcement.size())));
        line.clear();
    }
    const int status = wait_for_end();
    throw setup_error("'" + program_ + "' ended with status " + std::to_string(status) + " before it listened");
}

int child::wait_for_end() {
    if (id_ < 0) return 0;
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) continue;
    forget_child(id_);
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child::stop() noexcept {
    if (id_ < 0) return;
    kill(id_, SIGTERM);
    for (int patience = 0; patience < 200; ++patience) {
        if (waitpid(id_, nullptr, WNOHANG) != 0) {
            forget_child(id_);
            id_ = -1;
            return;
        }
        usleep(5'000);
    }
    kill(id_, SIGKILL);
    wait_for_end();
}

void end_children_on_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread(await_signal, signals).detach();
}

std::size_t thread_count(pid_t process) {
    // The kernel keeps the number of entries as the folder's link count; reading a thousand names each time would disturb what
    // is measured.
    const std::string folder = "/proc/" + std::to_string(process) + "/task";
    struct stat facts{};
    if (stat(folder.c_str(), &facts) != 0) return 0;
    if (facts.st_nlink > 2) return static_cast<std::size_t>(facts.st_nlink - 2);
    std::error_code ended;  // a kernel that does not keep it
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder, ended), {}));
}

double peak_memory_mib(pid_t process) {
    const std::string kib = first_word_after("/proc/" + std::to_string(process) + "/status", "VmHWM:");
    return std::strtod(kib.c_str(), nullptr) / 1024.0;
}

thread_watch::thread_watch(pid_t process)
    : thread_([this, process] {
          while (!stopping_.load(std::memory_order_relaxed)) {
              const std::size_t now = thread_count(process);
              if (now > most_.load(std::memory_order_relaxed)) most_.store(now, std::memory_order_relaxed);
              std::this_thread::sleep_for(std::chrono::milliseconds(2));
          }
      }) {}

thread_watch::~thread_watch() { stop(); }

std::size_t thread_watch::stop() {
    stopping_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    return most_.load(std::memory_order_relaxed);
}

machine_facts this_machine() {
    machine_facts facts;
    facts.cpu = first_word_after("/proc/cpuinfo", "model name");
    if (facts.cpu.empty()) facts.cpu = "unknown";
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    facts.cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? static_cast<std::size_t>(CPU_COUNT(&allowed))
                                                                      : std::thread::hardware_concurrency();
    utsname system{};
    uname(&system);
    facts.kernel = system.release;
#if defined(__clang__)
    facts.compiler = "clang " __clang_version__;
#else
    facts.compiler = "gcc " __VERSION__;
#endif
    return facts;
}

scratch_folder::scratch_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-user-page-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
        throw setup_error("make a folder like '" + pattern + "' failed: " + error_text(errno));
    path_ = std::move(pattern);
    const std::lock_guard guard(scratch_mutex);
    scratch_paths.push_back(path_);
}

scratch_folder::~scratch_folder() { remove_scratch_folders(); }

}  // namespace user_page
