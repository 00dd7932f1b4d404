// src/io/fs/file_operations.cpp: open, move the bytes, close; closed also when something in between fails.
// SPDX-License-Identifier: MIT

#include "weft/io/fs/file_operations.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "io/fs/unique_name.hpp"
#include "weft/io/fs/file.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

// What a file that does not tell its size (/proc) is read by.
constexpr std::size_t smallest_read = 4096;
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

[[noreturn]] void refuse_length(const file& source, std::size_t limit) {
    throw std::length_error("'" + source.path() + "' is longer than " + std::to_string(limit) + " bytes");
}

template <class Container>
task<Container> read_all(std::string path, std::size_t limit, cancellation_token token) {
    file source = co_await file::open(std::move(path), open_mode::read, token).configure_await(false);
    const std::uint64_t size = co_await source.size(token).configure_await(false);
    if (size > limit) refuse_length(source, limit);
    Container all;
    std::size_t count = 0;
    for (;;) {
        // One byte more than expected, so that the end of the file shows without another buffer.
        const std::size_t wanted = std::max<std::size_t>(size + 1, smallest_read);
        if (count == all.size()) all.resize(std::max(wanted, count * 2));
        const std::span<std::byte> room = std::as_writable_bytes(std::span(all)).subspan(count);
        const std::size_t got = co_await source.read(room, token).configure_await(false);
        if (got == 0) break;
        count += got;
        if (count > limit) refuse_length(source, limit);
    }
    all.resize(count);
    co_await close_quietly(source).configure_await(false);
    co_return all;
}

task<> write_all(std::string path, open_mode mode, std::span<const std::byte> data, cancellation_token token) {
    file target = co_await file::open(std::move(path), mode, token).configure_await(false);
    co_await target.write(data, std::move(token)).configure_await(false);
    co_await target.close().configure_await(false);
}

constexpr open_mode replacing = open_mode::write | open_mode::create | open_mode::truncate;
constexpr open_mode adding = open_mode::append | open_mode::create;

}  // namespace

task<std::string> read_all_text(std::string path, cancellation_token token) {
    return read_all<std::string>(std::move(path), unlimited, std::move(token));
}

task<std::vector<std::byte>> read_all_bytes(std::string path, cancellation_token token) {
    return read_all<std::vector<std::byte>>(std::move(path), unlimited, std::move(token));
}

task<std::string> read_limited_text(std::string path, std::size_t limit, cancellation_token token) {
    return read_all<std::string>(std::move(path), limit, std::move(token));
}

task<std::vector<std::byte>> read_limited_bytes(std::string path, std::size_t limit, cancellation_token token) {
    return read_all<std::vector<std::byte>>(std::move(path), limit, std::move(token));
}

task<> write_all_text(std::string path, std::string_view text, cancellation_token token) {
    return write_all(std::move(path), replacing, std::as_bytes(std::span(text)), std::move(token));
}

task<> write_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token) {
    return write_all(std::move(path), replacing, data, std::move(token));
}

task<> append_all_text(std::string path, std::string_view text, cancellation_token token) {
    return write_all(std::move(path), adding, std::as_bytes(std::span(text)), std::move(token));
}

task<> append_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token) {
    return write_all(std::move(path), adding, data, std::move(token));
}

}  // namespace weft::inline WEFT_ABI::fs
