#pragma once
// <weft/io/fs/watcher.hpp>: what happens in a directory, as it happens.
// Follows System.IO.FileSystemWatcher.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/async_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

enum class change : std::uint8_t {
    created,
    removed,
    modified,    ///< its contents
    attributes,  ///< its permissions, owner or times
    moved_from,  ///< it has left this name; a moved_to of the same cookie follows when it stays among what is watched
    moved_to,    ///< it has come to this name; with a cookie that no moved_from had: from elsewhere
    overflow,    ///< changes were lost: look for yourself what is there. No path
    gone  ///< the watched directory itself was removed or moved away: nothing more will come of it, or of its old name
};

/// One change. A value.
struct watch_event {
    change what = change::overflow;
    std::string path;          ///< the watched directory's path as it was given, "/", and what is in it
    std::uint32_t cookie = 0;  ///< of moved_from and moved_to: the two of one move have the same
    bool is_directory = false;
};

struct watch_options {
    bool recurse = false;         ///< the directories below, too, and those that are made later
    bool report_modified = true;  ///< every write to a file
    bool report_attributes = false;
};
static_assert(std::is_trivially_destructible_v<watch_options>);

/// Watches a directory.
///
/// A resource: move-only. It belongs to the runtime it was opened in and must not outlive it.
///
/// No thread waits for changes: the kernel's queue of them is a descriptor that the driver waits for, as for a socket. Changes from
/// open() on are kept there until somebody takes them, so none is missed between open() and the first next(); when the kernel's queue
/// is full (16384 by default) it drops changes and an overflow is reported.
///
/// Order         that of the kernel. A directory that comes with things in it (made and filled, or moved here) is followed by a created
///               event for each; something that is made just then may be reported twice.
/// Threads       open() and close() from any; one consumer of events() at a time.
class watcher {
public:
    watcher() noexcept = default;
    watcher(watcher&& other) noexcept = default;
    watcher& operator=(watcher&& other) noexcept;
    ~watcher();

    /// @throws io_error  "watch '/tmp/x' failed: no such file or directory (ENOENT)"; ENOSPC when the user has too many watches
    /// Cancellation  nothing is watched then.
    [[nodiscard]] static task<watcher> open(
        std::string directory, watch_options options = {}, cancellation_token token = {});

    /// The changes, for as long as the watcher is open: close() ends the stream.
    ///
    /// Cancellation  by `token` or the stream's own: next() throws operation_canceled; what was not taken stays for the next events().
    /// Throws        object_disposed of a closed watcher; io_error; through next()
    [[nodiscard]] async_stream<watch_event> events(cancellation_token token = {});

    /// Ends events() and stops watching. Later calls do nothing.
    [[nodiscard]] task<> close();
    [[nodiscard]] bool is_open() const noexcept;

private:
    class state;
    static async_stream<watch_event> run(std::shared_ptr<state> of, cancellation_token token);
    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::fs
