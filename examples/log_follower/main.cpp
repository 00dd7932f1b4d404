// Follows a log file as `tail -F` does: prints what is added, also after the file was moved away and begun anew. No thread waits: the
// directory's changes come through the I/O driver.
//   example_log_follower FILE    follows it until the process is ended
//   example_log_follower         follows one that it writes itself; ctest runs this
// SPDX-License-Identifier: MIT

#include <weft/fs/directory.hpp>
#include <weft/fs/file.hpp>
#include <weft/fs/file_operations.hpp>
#include <weft/fs/temporary.hpp>
#include <weft/fs/watcher.hpp>
#include <weft/weft.hpp>

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// A log file and how far it has been read.
class followed_log {
public:
    explicit followed_log(std::string path) : path_(std::move(path)) {}

    /// Yields the lines added since the last time, without their ends.
    weft::task<std::vector<std::string>> new_lines() {
        std::vector<std::string> lines;
        if (!log_.is_open()) {
            const bool there = co_await weft::fs::exists(path_);
            if (!there) co_return lines;
            log_ = co_await weft::fs::file::open(path_);
            partial_.clear();
        }
        std::vector<std::byte> buffer(4096);
        for (;;) {
            const std::size_t count = co_await log_.read(buffer);
            if (count == 0) co_return lines;
            for (std::size_t i = 0; i < count; ++i) {
                const char letter = static_cast<char>(buffer[i]);
                if (letter != '\n') partial_ += letter;
                else lines.push_back(std::exchange(partial_, std::string()));
            }
        }
    }
    /// Whether the name leads to another file by now, or to none.
    weft::task<bool> has_left() {
        if (!log_.is_open()) co_return false;
        const std::optional<weft::fs::file_info> named = co_await weft::fs::try_stat(path_);
        const weft::fs::file_info ours = co_await log_.stat();
        co_return !named.has_value() || named->inode != ours.inode || named->device != ours.device;
    }
    /// To be begun anew, at the file that has the name then.
    weft::task<> let_go() { return log_.close(); }

private:
    std::string path_;
    std::string partial_;  // a line whose end is not written yet
    weft::fs::file log_;
};

using line_handler = std::function<bool(const std::string&)>;

/// Calls `handle` with each line until it returns false.
weft::task<> follow(std::string path, line_handler handle) {
    const std::string directory = directory_of(path);
    // Watched before the first read: what is added in between is reported, not missed.
    weft::fs::watcher watcher = co_await weft::fs::watcher::open(directory);
    weft::async_stream<weft::fs::watch_event> changes = watcher.events();
    followed_log log(std::move(path));
    for (bool goes_on = true; goes_on;) {
        // Asked before reading: what was in the file when it lost its name is read, too.
        const bool left = co_await log.has_left();
        const std::vector<std::string> lines = co_await log.new_lines();
        for (const std::string& line : lines) goes_on = goes_on && handle(line);
        if (!goes_on) break;
        if (left) {
            co_await log.let_go();
            continue;
        }
        // Whatever it is (also that changes were lost): looking once more does no harm.
        const std::optional<weft::fs::watch_event> change = co_await changes.next();
        if (!change) break;
    }
    co_await changes.dispose();
    co_await watcher.close();
}

// ---- the demonstration: somebody writes, and rotates the file after each third line

weft::task<> write_log(std::string path, int lines, weft::async_semaphore& seen) {
    for (int i = 1; i <= lines; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        co_await weft::fs::append_all_text(path, line);
        co_await seen.wait();  // or a file would be gone before it was ever seen
        if (i % 3 != 0) continue;
        const std::string old = path + "." + std::to_string(i / 3);
        co_await weft::fs::rename(path, old);
    }
}

weft::task<bool> demonstrate() {
    constexpr int lines = 10;
    weft::fs::temporary_directory room = co_await weft::fs::temporary_directory::create();
    const std::string path = room.path() + "/service.log";
    weft::async_semaphore handled(0);
    int seen = 0;
    bool in_order = true;
    line_handler handle = [&](const std::string& line) {
        std::printf("%s\n", line.c_str());
        ++seen;
        in_order = in_order && line == "line " + std::to_string(seen);
        handled.release();
        return seen < lines;
    };
    weft::task<> following = follow(path, handle);
    co_await write_log(path, lines, handled);
    co_await following;
    co_await room.dispose();
    std::printf("%d lines, %s\n", seen, in_order ? "in order" : "out of order");
    co_return in_order&& seen == lines;
}

weft::task<int> run(std::vector<std::string> arguments) {
    if (arguments.size() < 2) {
        const bool good = co_await demonstrate();
        co_return good ? 0 : 1;
    }
    line_handler print = [](const std::string& line) {
        return std::printf("%s\n", line.c_str()) >= 0 && std::fflush(stdout) == 0;
    };
    co_await follow(arguments[1], print);
    co_return 0;
}

}  // namespace

int main(int count, char** values) {
    std::vector<std::string> arguments(values, values + count);
    return weft::block_on(run(std::move(arguments)));
}
