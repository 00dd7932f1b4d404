// src/io/fs/directory_sync.cpp: see the header.
// SPDX-License-Identifier: MIT

#include "io/fs/directory_sync.hpp"

#include <cerrno>

#include <fcntl.h>

#include "io/fs/file_state.hpp"
#include "weft/base/error.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/fs/directory.hpp"

namespace weft::inline WEFT_ABI::fs {

task<detail::descriptor_owner> open_directory(std::string path, cancellation_token token) {
    constexpr auto flags = static_cast<std::uint32_t>(O_RDONLY | O_DIRECTORY);
    return open_descriptor(std::move(path), flags, permissions::none, std::move(token));
}

task<> sync_named(detail::descriptor_owner directory) {
    detail::io_request request(directory.get(), nullptr, 0, cancellation_token());
    try {
        co_await detail::sync_operation(std::move(request)).configure_await(false);
    } catch (const operation_canceled&) {
        // The runtime shuts down.
        throw io_error(std::error_code(ECANCELED, std::generic_category()), detail::attempt_to_sync(*directory.get()));
    }
    co_await directory.close().configure_await(false);
}

task<> sync_directory(std::string path, cancellation_token token) {
    detail::descriptor_owner directory = co_await open_directory(std::move(path), token).configure_await(false);
    detail::io_request request(directory.get(), nullptr, 0, std::move(token));
    co_await detail::sync_operation(std::move(request)).configure_await(false);
    co_await directory.close().configure_await(false);
}

}  // namespace weft::inline WEFT_ABI::fs
