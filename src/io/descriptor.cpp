// src/io/descriptor.cpp: adopted descriptors, pipes and the standard streams; their work is in pollable_state.
// SPDX-License-Identifier: MIT

#include "weft/io/descriptor.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/pollable_state.hpp"
#include "weft/base/error.hpp"
#include "weft/io/net/unix.hpp"
#include "weft/io/pipe.hpp"
#include "weft/io/standard_streams.hpp"

namespace weft::inline WEFT_ABI::io {

namespace {

using weft::detail::pollable_state;

constexpr const char* descriptor_kind = "descriptor";
constexpr const char* reader_kind = "pipe_reader";
constexpr const char* writer_kind = "pipe_writer";

[[noreturn]] void fail(const std::string& attempt) {
    throw io_error(std::error_code(errno, std::generic_category()), attempt);
}

bool is_socket(int fd) noexcept {
    struct stat known{};
    return ::fstat(fd, &known) == 0 && S_ISSOCK(known.st_mode);
}

weft::detail::descriptor_owner own(int fd, const char* kind, std::string name, bool careful) {
    io_driver& driver = weft::detail::current_io_driver();
    return weft::detail::descriptor_owner(new pollable_state(driver, fd, kind, std::move(name), careful));
}

}  // namespace

// ---- descriptor

descriptor descriptor::adopt(int fd, descriptor_options options) {
    std::string name(options.name);
    if (name.empty()) name = "descriptor " + std::to_string(fd);
    if (::fcntl(fd, F_GETFD) < 0) fail("adopt '" + name + "'");
    const bool careful = options.keep_flags || fd <= STDERR_FILENO;
    if (!careful && !is_socket(fd)) weft::detail::never_wait(fd, name);
    return descriptor(own(fd, descriptor_kind, std::move(name), careful));
}

task<std::size_t> descriptor::read(std::span<std::byte> buffer, cancellation_token token) {
    return read_some_of(pollable_of(owner_, descriptor_kind), buffer, std::move(token));
}

task<> descriptor::write(std::span<const std::byte> data, cancellation_token token) {
    return write_all_to(pollable_of(owner_, descriptor_kind), data, std::move(token));
}

task<std::size_t> descriptor::write_some(std::span<const std::byte> data, cancellation_token token) {
    return write_some_to(pollable_of(owner_, descriptor_kind), data, std::move(token));
}

task<> descriptor::readable(cancellation_token token) {
    return wait_until_ready(pollable_of(owner_, descriptor_kind), POLLIN, std::move(token));
}

task<> descriptor::writable(cancellation_token token) {
    return wait_until_ready(pollable_of(owner_, descriptor_kind), POLLOUT, std::move(token));
}

int descriptor::native_handle() const {
    if (!is_open()) throw object_disposed(descriptor_kind);
    return owner_.get()->fd();
}

std::string descriptor::peer_name() const { return pollable_of(owner_, descriptor_kind).name(); }

// ---- pipe

pipe_ends pipe(pipe_options options) {
    const std::string name(options.name.empty() ? std::string_view("pipe") : options.name);
    static_cast<void>(weft::detail::current_io_driver());  // throws without one, before there is anything to make
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) fail("make a pipe");
    net::owned_descriptor out(ends[0]), in(ends[1]);
    pipe_reader reader = pipe_reader::adopt(out.get(), name);
    static_cast<void>(out.release());
    pipe_writer writer = pipe_writer::adopt(in.get(), name);
    static_cast<void>(in.release());
    return pipe_ends(std::move(reader), std::move(writer));
}

pipe_reader pipe_reader::adopt(int fd, std::string name) {
    weft::detail::never_wait(fd, name);
    return pipe_reader(own(fd, reader_kind, std::move(name), false));
}

task<std::size_t> pipe_reader::read(std::span<std::byte> buffer, cancellation_token token) {
    return read_some_of(pollable_of(owner_, reader_kind), buffer, std::move(token));
}

task<> pipe_reader::readable(cancellation_token token) {
    return wait_until_ready(pollable_of(owner_, reader_kind), POLLIN, std::move(token));
}

std::string pipe_reader::peer_name() const { return pollable_of(owner_, reader_kind).name(); }

int pipe_reader::native_handle() const {
    if (!is_open()) throw object_disposed(reader_kind);
    return owner_.get()->fd();
}

pipe_writer pipe_writer::adopt(int fd, std::string name) {
    weft::detail::never_wait(fd, name);
    return pipe_writer(own(fd, writer_kind, std::move(name), false));
}

task<> pipe_writer::write(std::span<const std::byte> data, cancellation_token token) {
    return write_all_to(pollable_of(owner_, writer_kind), data, std::move(token));
}

task<std::size_t> pipe_writer::write_some(std::span<const std::byte> data, cancellation_token token) {
    return write_some_to(pollable_of(owner_, writer_kind), data, std::move(token));
}

task<> pipe_writer::writable(cancellation_token token) {
    return wait_until_ready(pollable_of(owner_, writer_kind), POLLOUT, std::move(token));
}

std::string pipe_writer::peer_name() const { return pollable_of(owner_, writer_kind).name(); }

int pipe_writer::native_handle() const {
    if (!is_open()) throw object_disposed(writer_kind);
    return owner_.get()->fd();
}

// ---- standard streams

namespace {

/// Another open file on the same pipe or terminal, which may have O_NONBLOCK of its own. -1: there cannot be one.
int opened_again(int fd) noexcept {
    struct stat known{};
    if (::fstat(fd, &known) != 0) return -1;
    if (!S_ISFIFO(known.st_mode) && ::isatty(fd) != 1) return -1;
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) return -1;
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    return ::open(path.c_str(), (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

}  // namespace

descriptor standard_stream(int fd, const char* name) {
    static_cast<void>(weft::detail::current_io_driver());
    net::owned_descriptor ours(opened_again(fd));
    const bool careful = !ours;
    if (careful) ours = net::owned_descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!ours) fail(std::string("open ") + name);
    descriptor stream(own(ours.get(), descriptor_kind, name, careful));
    static_cast<void>(ours.release());
    return stream;
}

descriptor standard_input() { return standard_stream(STDIN_FILENO, "standard input"); }
descriptor standard_output() { return standard_stream(STDOUT_FILENO, "standard output"); }
descriptor standard_error() { return standard_stream(STDERR_FILENO, "standard error"); }

}  // namespace weft::inline WEFT_ABI::io
