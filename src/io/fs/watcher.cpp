// src/io/fs/watcher.cpp: inotify's events, read through the driver, made into ours.
//
// One watch is one directory; a tree is as many. A directory that appears is watched first and listed then: what is made in between is
// reported twice rather than never. One that is moved keeps its watch, so only the paths change; one that is moved away must be let go,
// and whether it was is known when the next event is not the other half of its move.
//
// Events are read late: by then a name may be another directory's, or nobody's. The kernel has one watch for a directory, however
// often and by whatever name it is asked for, so asking again tells which one has the name now, and whether it was known.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/watcher.hpp"

#include <cerrno>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <utility>
#include <vector>

#include <sys/inotify.h>

#include "io/fs/directory_reader.hpp"
#include "weft/base/error.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

class watch_descriptor final : public detail::descriptor_state {
public:
    watch_descriptor(io_driver& of, int fd, std::string directory) noexcept
        : descriptor_state(of, fd), directory_(std::move(directory)) {}
    [[nodiscard]] const char* kind() const noexcept override { return "watcher"; }
    [[nodiscard]] std::string name() const override { return directory_; }

protected:
    // Letting go of many watches takes the kernel its time.
    [[nodiscard]] bool closes_quickly() const noexcept override { return false; }

private:
    std::string directory_;
};

std::string attempt_to_watch(const detail::descriptor_state& state) { return "watch '" + state.name() + "'"; }

using read_events_operation = detail::descriptor_operation<io_kind::read, std::size_t, &attempt_to_watch>;
using watch_operation = detail::descriptor_operation<io_kind::watch_path, int, &attempt_to_watch, true>;

/// Errors of a directory that went, or that is not ours to look into, while its tree is being watched.
bool is_passing(int error) noexcept { return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP; }

}  // namespace

class watcher::state {
public:
    state(io_driver& driver, int fd, std::string directory, const watch_options& options)
        : owner_(new watch_descriptor(driver, fd, directory)), root_(std::move(directory)), options_(options) {
        buffer_.resize(buffer_size);
    }

    [[nodiscard]] task<> begin(cancellation_token token);
    /// Reads until there is an event to take. @returns false when the watcher was closed
    [[nodiscard]] task<bool> wait(cancellation_token token);
    [[nodiscard]] bool empty() const noexcept { return ready_.empty(); }
    [[nodiscard]] watch_event take();

    void stop() { stop_.cancel(); }
    [[nodiscard]] cancellation_token stop_token() const { return stop_.token(); }
    [[nodiscard]] bool is_stopped() const noexcept { return stop_.is_cancellation_requested() || !owner_.is_open(); }
    [[nodiscard]] task<> close() { return owner_.close(); }

private:
    static constexpr std::size_t buffer_size = 16 * 1024;

    [[nodiscard]] std::uint32_t mask(bool is_root) const noexcept;
    [[nodiscard]] task<int> watch(std::string path, bool is_root, cancellation_token token);
    [[nodiscard]] task<> watch_below(std::string path, bool report, cancellation_token token);
    [[nodiscard]] task<> list(
        std::string path, bool report, std::vector<std::string>& directories, cancellation_token token);
    [[nodiscard]] task<> watch_new(std::string path);
    [[nodiscard]] task<> handle_next();
    [[nodiscard]] task<> handle_directory(change what, std::string path, std::uint32_t cookie);
    [[nodiscard]] task<> handle_arrival(std::string path);
    void report(change what, std::string path, std::uint32_t cookie, bool is_directory);
    void forget_moved_away();
    void forget_below(const std::string& path);
    void forget_all();
    void rename_below(const std::string& from, const std::string& to);
    void set_path(int number, const std::string& path);

    detail::descriptor_owner owner_;
    cancellation_source stop_;
    std::string root_;
    int root_watch_ = -1;
    watch_options options_;
    std::map<int, std::string> paths_;  // of the watches
    std::string moved_;                 // a directory that has left its name,
    std::uint32_t moved_cookie_ = 0;    // in this move; 0: none
    std::vector<std::byte> buffer_;
    std::size_t count_ = 0;
    std::size_t at_ = 0;
    std::deque<watch_event> ready_;
};

watch_event watcher::state::take() {
    watch_event event = std::move(ready_.front());
    ready_.pop_front();
    return event;
}

void watcher::state::report(change what, std::string path, std::uint32_t cookie, bool is_directory) {
    watch_event& event = ready_.emplace_back();
    event.what = what;
    event.path = std::move(path);
    event.cookie = cookie;
    event.is_directory = is_directory;
}

// ---- watches

std::uint32_t watcher::state::mask(bool is_root) const noexcept {
    std::uint32_t wanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK;
    // What happens to a directory below is an event of the one above.
    wanted |= is_root ? IN_DELETE_SELF | IN_MOVE_SELF : static_cast<std::uint32_t>(IN_DONT_FOLLOW);
    if (options_.report_modified) wanted |= IN_MODIFY;
    if (options_.report_attributes) wanted |= IN_ATTRIB;
    return wanted;
}

/// @returns the watch or a negative errno
task<int> watcher::state::watch(std::string path, bool is_root, cancellation_token token) {
    path_request asked;
    asked.path = path.c_str();
    detail::io_request request(owner_.get(), &asked, 0, std::move(token), mask(is_root));
    const int result = co_await watch_operation(std::move(request)).configure_await(false);
    if (result >= 0) set_path(result, path);
    co_return result;
}

/// The kernel says that this watch is of the directory that is at `path` now.
void watcher::state::set_path(int number, const std::string& path) {
    const auto [known, is_new] = paths_.try_emplace(number, path);
    if (is_new || known->second == path || number == root_watch_) return;
    const std::string before = std::exchange(known->second, path);
    rename_below(before + "/", path + "/");
}

task<> watcher::state::begin(cancellation_token token) {
    root_watch_ = co_await watch(root_, true, token).configure_await(false);
    if (root_watch_ < 0)
        throw io_error(std::error_code(-root_watch_, std::generic_category()), attempt_to_watch(*owner_.get()));
    if (options_.recurse) co_await watch_below(root_, false, std::move(token)).configure_await(false);
}

/// The names in one directory. @param report  each is an event
task<> watcher::state::list(
    std::string path, bool report_each, std::vector<std::string>& directories, cancellation_token token) {
    directory_reader reader;
    try {
        co_await reader.open(path, path == root_, token).configure_await(false);
        for (;;) {
            const bool more = co_await reader.fill(token).configure_await(false);
            if (!more) break;
            directory_reader::entry entry;
            while (reader.next(entry)) {
                std::string full = path + "/";
                full.append(entry.name);
                const bool is_directory = entry.kind == file_kind::directory;
                if (report_each) report(change::created, full, 0, is_directory);
                if (is_directory) directories.push_back(std::move(full));
            }
        }
    } catch (const io_error& error) {
        if (!is_passing(error.code().value())) throw;
    }
    co_await reader.close().configure_await(false);
}

/// Watches all directories below a watched one.
task<> watcher::state::watch_below(std::string path, bool report_each, cancellation_token token) {
    std::vector<std::string> found;
    found.push_back(std::move(path));
    bool is_watched = true;
    while (!found.empty()) {
        std::string here = std::move(found.back());
        found.pop_back();
        if (!is_watched) {
            const int result = co_await watch(here, false, token).configure_await(false);
            if (result < 0 && !is_passing(-result))
                throw io_error(std::error_code(-result, std::generic_category()), "watch '" + here + "'");
            if (result < 0) continue;
        }
        is_watched = false;
        co_await list(std::move(here), report_each, found, token).configure_await(false);
    }
}

void watcher::state::forget_moved_away() {
    if (moved_cookie_ == 0) return;
    moved_cookie_ = 0;
    forget_below(moved_);
}

/// Lets go of the watches of a directory and of those in it.
void watcher::state::forget_below(const std::string& path) {
    const std::string below = path + "/";
    for (auto at = paths_.begin(); at != paths_.end();) {
        if (at->second == path || at->second.starts_with(below)) {
            owner_.get()->driver().remove_watch(owner_.get()->fd(), at->first);
            at = paths_.erase(at);
        } else {
            ++at;
        }
    }
}

/// The paths would be wrong from here on.
void watcher::state::forget_all() {
    for (const auto& [number, path] : paths_) owner_.get()->driver().remove_watch(owner_.get()->fd(), number);
    paths_.clear();
    moved_cookie_ = 0;
}

/// @param from  what the paths begin with
void watcher::state::rename_below(const std::string& from, const std::string& to) {
    for (auto& [number, path] : paths_) {
        if (path.starts_with(from)) path.replace(0, from.size(), to);
    }
}

// ---- events

task<> watcher::state::handle_directory(change what, std::string path, std::uint32_t cookie) {
    switch (what) {
        case change::moved_from:
            moved_ = std::move(path);
            moved_cookie_ = cookie;
            return completed_task();
        case change::moved_to:
            if (moved_cookie_ != 0 && moved_cookie_ == cookie) {
                moved_cookie_ = 0;
                return handle_arrival(std::move(path));
            }
            break;
        case change::created: break;
        default: return completed_task();
    }
    return watch_new(std::move(path));
}

/// Watches a directory that has come, and lists it unless it is known: then it was listed, or its changes have been coming.
task<> watcher::state::watch_new(std::string path) {
    const std::size_t before = paths_.size();
    const int result = co_await watch(path, false, stop_token()).configure_await(false);
    if (result >= 0) {
        if (paths_.size() != before) co_await watch_below(std::move(path), true, stop_token()).configure_await(false);
    } else if (!is_passing(-result)) {
        throw io_error(std::error_code(-result, std::generic_category()), "watch '" + path + "'");
    }
}

/// A directory has come from another name in the tree. What was watched there may be another directory already, made since;
/// and the one that came may never have been watched, or be gone to a third name.
task<> watcher::state::handle_arrival(std::string path) {
    const std::string from = std::move(moved_);
    const std::size_t before = paths_.size();
    const int result = co_await watch(path, false, stop_token()).configure_await(false);
    if (result < 0 && !is_passing(-result))
        throw io_error(std::error_code(-result, std::generic_category()), "watch '" + path + "'");
    if (result < 0) {
        // Gone on: an event to come says where.
        for (auto& [number, known] : paths_) {
            if (known == from) known = path;
        }
        rename_below(from + "/", path + "/");
    } else if (paths_.size() != before) {
        // Whatever is at the old name now has an event to come, which watches it again.
        forget_below(from);
        co_await watch_below(std::move(path), true, stop_token()).configure_await(false);
    }
}

namespace {
/// A struct inotify_event without its name, which GCC 12 refuses to keep in a coroutine.
struct event_head {
    int wd;
    std::uint32_t mask;
    std::uint32_t cookie;
    std::uint32_t len;
};
static_assert(sizeof(event_head) == sizeof(inotify_event));

event_head head_of(const std::byte* record) noexcept {
    event_head head{};
    std::memcpy(&head, record, sizeof head);
    return head;
}

/// @returns whether the event is one of ours
bool translate(std::uint32_t mask, change& what) noexcept {
    struct pair {
        std::uint32_t bit;
        change meaning;
    };
    static constexpr pair known[] = {{IN_CREATE, change::created}, {IN_DELETE, change::removed},
        {IN_MODIFY, change::modified}, {IN_ATTRIB, change::attributes}, {IN_MOVED_FROM, change::moved_from},
        {IN_MOVED_TO, change::moved_to}};
    for (const pair& each : known) {
        if ((mask & each.bit) == 0) continue;
        what = each.meaning;
        return true;
    }
    return false;
}
}  // namespace

task<> watcher::state::handle_next() {
    const event_head event = head_of(buffer_.data() + at_);
    const char* const name = reinterpret_cast<const char*>(buffer_.data()) + at_ + sizeof event;
    at_ += sizeof event + event.len;
    if (paths_.empty()) co_return;  // gone
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        report(change::overflow, std::string(), 0, false);
        if (options_.recurse) co_await watch_below(root_, false, stop_token()).configure_await(false);
        co_return;
    }
    if (event.cookie != moved_cookie_) forget_moved_away();
    const auto known = paths_.find(event.wd);
    if (known == paths_.end()) co_return;
    if (event.wd == root_watch_ && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        report(change::gone, root_, 0, true);
        forget_all();
        co_return;
    }
    if ((event.mask & IN_IGNORED) != 0) {
        paths_.erase(known);
        co_return;
    }
    change what = change::overflow;
    if (!translate(event.mask, what)) co_return;
    std::string path = known->second;
    if (event.len != 0) path.append("/").append(name);
    const bool is_directory = (event.mask & IN_ISDIR) != 0;
    report(what, path, event.cookie, is_directory);
    if (is_directory && options_.recurse && event.len != 0)
        co_await handle_directory(what, std::move(path), event.cookie).configure_await(false);
}

task<bool> watcher::state::wait(cancellation_token token) {
    while (ready_.empty()) {
        if (is_stopped()) co_return false;
        if (at_ == count_) {
            at_ = count_ = 0;
            detail::io_request request(owner_.get(), buffer_.data(), buffer_.size(), token, io_operation::no_offset);
            count_ = co_await read_events_operation(std::move(request)).configure_await(false);
        }
        if (at_ < count_) co_await handle_next().configure_await(false);
    }
    co_return true;
}

// ---- watcher

watcher& watcher::operator=(watcher&& other) noexcept {
    watcher old(std::move(*this));
    state_ = std::move(other.state_);
    return *this;
}

watcher::~watcher() {
    // A stream that is being awaited ends, and lets go of the rest.
    if (state_ != nullptr) state_->stop();
}

task<watcher> watcher::open(std::string directory, watch_options options, cancellation_token token) {
    while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
    io_driver& driver = detail::current_io_driver();
    const int fd = driver.open_watch();
    if (fd < 0) throw io_error(std::error_code(-fd, std::generic_category()), "watch '" + directory + "'");
    watcher made;
    made.state_ = std::make_shared<state>(driver, fd, std::move(directory), options);
    co_await made.state_->begin(std::move(token)).configure_await(false);
    co_return made;
}

async_stream<watch_event> watcher::events(cancellation_token token) {
    if (!is_open()) throw object_disposed("watcher");
    return run(state_, std::move(token));
}

async_stream<watch_event> watcher::run(std::shared_ptr<state> of, cancellation_token token) {
    const cancellation_token of_consumer = co_await this_stream::token();
    const either_token asked(std::move(token), of_consumer);
    const either_token both(asked.get(), of->stop_token());
    for (;;) {
        bool more = false;
        bool canceled = false;
        try {
            more = co_await of->wait(both.get()).configure_await(false);
        } catch (const operation_canceled&) {
            canceled = true;
        }
        if (canceled && !of->is_stopped()) throw operation_canceled(asked.get());
        if (!more) co_return;
        watch_event event = of->take();
        co_yield std::move(event);
    }
}

task<> watcher::close() {
    if (state_ == nullptr) co_return;
    const std::shared_ptr<state> closing = state_;
    closing->stop();
    co_await closing->close().configure_await(false);
}

bool watcher::is_open() const noexcept { return state_ != nullptr && !state_->is_stopped(); }

}  // namespace weft::inline WEFT_ABI::fs
