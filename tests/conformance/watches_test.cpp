// tests/conformance/watches_test.cpp: the kernel's queue of changes in a directory, read through the driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/inotify.h>

#include "backends.hpp"

namespace {
using namespace weft;
using namespace weft_test;

task<int> open_path(stage& on, std::string path, int flags) {
    co_return co_await perform(
        on, io_kind::open, -1, path.c_str(), 0644, io_operation::no_offset, static_cast<std::uint32_t>(flags));
}

/// Whether the first event there tells that `name` was made. (GCC 12 keeps no struct with an open end in a coroutine.)
bool is_creation(const char* events, int watch, const char* name) {
    inotify_event event{};
    std::memcpy(&event, events, sizeof event);
    return event.wd == watch && (event.mask & IN_CREATE) != 0 && std::strcmp(events + sizeof event, name) == 0;
}
}  // namespace

DRIVER_CASE(a_watched_folder_tells_what_comes_into_it) {
    const int watch = on.driver.open_watch();
    if (watch == -ENOSYS) co_return;  // the simulation: nothing to watch
    path_request asked;
    asked.path = on.folder.c_str();
    const int number = co_await perform(on, io_kind::watch_path, watch, &asked, 0, io_operation::no_offset, IN_CREATE);
    EXPECT_GE(number, 1);
    std::array<char, 512> buffer{};
    pending waiting(on, io_kind::read, watch, buffer.data(), buffer.size());
    EXPECT_FALSE(waiting.is_done());
    const int made = co_await open_path(on, on.folder + "/file", O_WRONLY | O_CREAT);
    EXPECT_GE(made, 0);
    co_await perform(on, io_kind::close, made);
    const int count = co_await waiting.result();
    EXPECT_GE(count, static_cast<int>(sizeof(inotify_event)));
    EXPECT_TRUE(is_creation(buffer.data(), number, "file"));
    EXPECT_EQ(on.driver.remove_watch(watch, number), 0);
    EXPECT_EQ(on.driver.remove_watch(watch, number), -EINVAL);
    on.driver.close_now(watch);
}

DRIVER_CASE(a_watch_that_cannot_be_says_why) {
    const int watch = on.driver.open_watch();
    if (watch == -ENOSYS) co_return;
    const std::string missing = on.folder + "/missing";
    path_request asked;
    asked.path = missing.c_str();
    const int nothing = co_await perform(on, io_kind::watch_path, watch, &asked, 0, io_operation::no_offset, IN_CREATE);
    EXPECT_EQ(nothing, -ENOENT);
    asked.path = on.folder.c_str();
    const int no_change = co_await perform(on, io_kind::watch_path, watch, &asked, 0, io_operation::no_offset, 0);
    EXPECT_EQ(no_change, -EINVAL);
    const int folder = co_await open_path(on, on.folder, O_RDONLY);
    const int no_watch = co_await perform(on, io_kind::watch_path, folder, &asked, 0, io_operation::no_offset, IN_CREATE);
    EXPECT_EQ(no_watch, -EINVAL);
    co_await perform(on, io_kind::close, folder);
    on.driver.close_now(watch);
    const int closed = co_await perform(on, io_kind::watch_path, watch, &asked, 0, io_operation::no_offset, IN_CREATE);
    EXPECT_EQ(closed, -EBADF);
}

DRIVER_CASE(waiting_for_a_change_can_be_cancelled) {
    const int watch = on.driver.open_watch();
    if (watch == -ENOSYS) co_return;
    path_request asked;
    asked.path = on.folder.c_str();
    pending setting(on, io_kind::watch_path, watch, &asked, 0, io_operation::no_offset, IN_CREATE);
    setting.cancel();
    const int number = co_await setting.result();
    EXPECT_TRUE(one_of(number, {1, -ECANCELED}));
    std::array<char, 512> buffer{};
    pending waiting(on, io_kind::read, watch, buffer.data(), buffer.size());
    waiting.cancel();
    const int count = co_await waiting.result();
    EXPECT_EQ(count, -ECANCELED);
    on.driver.close_now(watch);
}
