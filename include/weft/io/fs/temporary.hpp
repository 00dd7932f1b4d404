#pragma once
// <weft/io/fs/temporary.hpp>: files and directories that go with their object.
// Follows Path.GetTempFileName, Directory.CreateTempSubdirectory and FileOptions.DeleteOnClose.
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/fs/file.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

/// $TMPDIR, or /tmp.
[[nodiscard]] std::string temporary_directory_path();

/// A new file, open to read and write, of the owner only, with a name that nothing else had.
///
/// A resource: move-only, and async_disposable (using_async). It belongs to the runtime it was made in.
///
/// Lifetime      dispose() closes and removes the file, and waits for that. Destroying it starts the same without waiting; what
///               fails then is not reported, and a runtime that is shutting down may leave the file behind.
/// Cancellation  a create() that is cancelled leaves no file.
class temporary_file {
public:
    temporary_file() noexcept = default;
    temporary_file(temporary_file&& other) noexcept
        : file_(std::move(other.file_)), path_(std::exchange(other.path_, std::string())) {}
    temporary_file& operator=(temporary_file&& other) noexcept;
    ~temporary_file();

    /// @param directory  where; empty: temporary_directory_path()
    /// @param prefix     what its name begins with
    /// @throws io_error
    [[nodiscard]] static task<temporary_file> create(
        std::string directory = {}, std::string prefix = "weft-", cancellation_token token = {});

    [[nodiscard]] file& opened() noexcept { return file_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Closes the file and gives it the name `to`, in the same file system, in place of what had it. From then on it is an
    /// ordinary file. When it fails, it is still temporary.
    [[nodiscard]] task<> keep_as(std::string to, cancellation_token token = {});
    /// Closes and removes it. Again, it does nothing. @throws io_error
    [[nodiscard]] task<> dispose();

private:
    temporary_file(file opened, std::string path) noexcept : file_(std::move(opened)), path_(std::move(path)) {}
    void abandon() noexcept;

    file file_;
    std::string path_;  // empty: nothing to remove
};

/// A new directory of the owner only, with a name that nothing else had; goes with everything in it.
///
/// A resource: as temporary_file.
class temporary_directory {
public:
    temporary_directory() noexcept = default;
    temporary_directory(temporary_directory&& other) noexcept : path_(std::exchange(other.path_, std::string())) {}
    temporary_directory& operator=(temporary_directory&& other) noexcept;
    ~temporary_directory();

    /// @param directory  where; empty: temporary_directory_path()
    /// @throws io_error
    [[nodiscard]] static task<temporary_directory> create(
        std::string directory = {}, std::string prefix = "weft-", cancellation_token token = {});

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Removes it and everything in it. Again, it does nothing. @throws io_error
    [[nodiscard]] task<> dispose();

private:
    explicit temporary_directory(std::string path) noexcept : path_(std::move(path)) {}
    void abandon() noexcept;

    std::string path_;
};

/// A file without a name, open to read and write, which is gone once it is closed, however the process ends. Where the file system
/// has no such files, it has a name for the moment between its making and its removal.
/// @param directory  in whose file system; empty: temporary_directory_path()
[[nodiscard]] task<file> open_unnamed(std::string directory = {}, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::fs
