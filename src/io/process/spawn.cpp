// src/io/process/spawn.cpp: one posix_spawn. glibc makes it with memory shared and signals blocked until the program is loaded, so it is
// safe beside other threads and costs the same however big we are.
// SPDX-License-Identifier: MIT

#include "io/process/spawn.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft/base/error.hpp"
#include "weft/io/net/unix.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

[[noreturn]] void fail(int error, const std::string& attempt) {
    throw io_error(std::error_code(error, std::generic_category()), attempt);
}

void check(int error, const std::string& attempt) {
    if (error != 0) fail(error, attempt);
}

std::vector<char*> pointers(const std::string* first, const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 2);
    if (first != nullptr) result.push_back(const_cast<char*>(first->c_str()));
    for (const std::string& each : texts) result.push_back(const_cast<char*>(each.c_str()));
    result.push_back(nullptr);
    return result;
}

class file_actions {
public:
    explicit file_actions(const std::string& attempt) : attempt_(attempt) {
        check(::posix_spawn_file_actions_init(&actions_), attempt_);
    }
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

    void change_directory(const std::string& path) {
        check(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()), attempt_);
    }
    /// Copies first, above all that the child uses, so that no descriptor is overwritten before it is copied.
    void give(const std::vector<std::pair<int, int>>& descriptors) {
        int highest = STDERR_FILENO;
        for (const auto& each : descriptors) highest = std::max(highest, each.second);
        for (const auto& [ours, theirs] : descriptors) {
            int from = ours;
            if (ours != theirs) {
                from = ::fcntl(ours, F_DUPFD_CLOEXEC, highest + 1);
                if (from < 0) fail(errno, attempt_);
                net::owned_descriptor own(from);
                copies_.push_back(std::move(own));
            }
            check(::posix_spawn_file_actions_adddup2(&actions_, from, theirs), attempt_);
        }
        const auto is_given = [&](int number) {
            return std::ranges::any_of(descriptors, [number](const auto& each) { return each.second == number; });
        };
        for (int number = STDERR_FILENO + 1; number < highest; ++number) {
            if (!is_given(number)) check(::posix_spawn_file_actions_addclose(&actions_, number), attempt_);
        }
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, highest + 1), attempt_);
    }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    const std::string& attempt_;
    posix_spawn_file_actions_t actions_{};
    std::vector<net::owned_descriptor> copies_;
};

class attributes {
public:
    attributes(bool own_group, const std::string& attempt) {
        check(::posix_spawnattr_init(&attributes_), attempt);
        // Our mask is this thread's, and a pool's thread blocks everything.
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        ::sigaddset(&signals, SIGPIPE);
        ::sigaddset(&signals, SIGXFSZ);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        if (own_group) flags |= POSIX_SPAWN_SETPGROUP;
        ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

/// posix_spawn says what failed, not where.
std::string attempt_with_directory(const std::string& attempt, const std::string& directory) {
    struct stat known{};
    const bool usable = directory.empty() ||
        (::stat(directory.c_str(), &known) == 0 && S_ISDIR(known.st_mode) && ::access(directory.c_str(), X_OK) == 0);
    return usable ? attempt : attempt + " in '" + directory + "'";
}

}  // namespace

pid_t spawn(const spawn_request& request) {
    const std::string attempt = "start '" + request.program + "'";
    file_actions actions(attempt);
    actions.give(request.descriptors);
    if (!request.directory.empty()) actions.change_directory(request.directory);
    const attributes how(request.own_group, attempt);
    std::vector<char*> arguments = pointers(&request.program, request.arguments);
    std::vector<char*> environment = pointers(nullptr, request.environment);
    pid_t id = 0;
    const int error =
        ::posix_spawnp(&id, request.program.c_str(), actions.get(), how.get(), arguments.data(), environment.data());
    if (error != 0) fail(error, attempt_with_directory(attempt, request.directory));
    return id;
}

}  // namespace weft::inline WEFT_ABI::detail
