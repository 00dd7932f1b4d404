// SPDX-License-Identifier: MIT

#include "testing/rerun.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

/// The environment of the process: ours, without what would give it other schedules, or let it write where we do.
std::vector<std::string> environment_for(const std::string& replay) {
    constexpr std::array<std::string_view, 8> left_out{"WEFT_SIM=", "WEFT_REPLAY=", "WEFT_SEED=", "WEFT_SCHEDULES=",
        "WEFT_STRATEGY=", "GTEST_", "TEST_PREMATURE_EXIT_FILE=", "XML_OUTPUT_FILE="};
    std::vector<std::string> made;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view text(*each);
        if (std::none_of(left_out.begin(), left_out.end(), [&](std::string_view out) { return text.starts_with(out); }))
            made.emplace_back(text);
    }
    made.emplace_back("WEFT_SIM=1");
    made.emplace_back("WEFT_REPLAY=" + replay);
    return made;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (std::string& each : texts) all.push_back(each.data());
    all.push_back(nullptr);
    return all;
}

/// Two ends of a pipe, which only the child's standard output keeps open.
struct output_pipe {
    std::array<int, 2> ends{-1, -1};
    output_pipe() {
        if (pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
    }
    output_pipe(const output_pipe&) = delete;
    output_pipe& operator=(const output_pipe&) = delete;
    ~output_pipe() {
        for (const int end : ends)
            if (end >= 0) close(end);
    }
    void close_writer() { close(std::exchange(ends[1], -1)); }
};

/// @returns the process, or -1
pid_t spawn(const std::string& arguments, const std::string& replay, int output) {
    std::error_code none;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", none);
    if (none) return -1;
    std::vector<std::string> environment = environment_for(replay);
    std::vector<std::string> command{"/bin/sh", "-c", "exec \"$0\" " + arguments, program.string()};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return -1;
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = -1;
    if (posix_spawn(&child, "/bin/sh", &actions, nullptr, pointers_to(command).data(), pointers_to(environment).data()) !=
        0)
        child = -1;
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

/// All that comes until the end, or the moment. @returns whether the end came
bool read_until(int from, std::chrono::steady_clock::time_point last, std::string& text) {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(last - std::chrono::steady_clock::now()).count();
        pollfd ready{from, POLLIN, 0};
        if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) == 0) return false;
        std::array<char, 4096> buffer;
        const ssize_t count = read(from, buffer.data(), buffer.size());
        if (count == 0) return true;
        if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

bool rerun::fails(const std::string& replay, std::chrono::milliseconds longest) const {
    output_pipe output;
    if (output.ends[0] < 0) return false;
    const pid_t child = spawn(arguments, replay, output.ends[1]);
    if (child < 0) return false;
    output.close_writer();
    std::string text;
    if (!read_until(output.ends[0], std::chrono::steady_clock::now() + longest, text)) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 && text.find(sign) != std::string::npos;
}

}  // namespace weft::inline WEFT_ABI::testing::detail
