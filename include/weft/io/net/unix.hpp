#pragma once
// <weft/io/net/unix.hpp>: streams between processes of one machine, over sockets of the Unix domain.
// Follows System.Net.Sockets.UnixDomainSocketEndPoint and NetworkStream.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/net/socket_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {
class local_socket_state;
class local_listener_state;
}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

/// The name of a socket of the Unix domain: a path, or an abstract name, which no file stands for. A value.
class unix_endpoint {
public:
    /// @throws std::invalid_argument  when it is empty, has a zero, or more than 107 bytes
    explicit unix_endpoint(std::string path);
    /// A name of Linux's own, gone with its listener and free of permissions.
    /// @throws std::invalid_argument  when it is empty or has more than 107 bytes
    [[nodiscard]] static unix_endpoint abstract(std::string name);

    [[nodiscard]] bool is_abstract() const noexcept { return abstract_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// "/run/x.sock", "@name"
    [[nodiscard]] std::string to_string() const { return abstract_ ? '@' + name_ : name_; }
    friend bool operator==(const unix_endpoint&, const unix_endpoint&) noexcept = default;

private:
    unix_endpoint(std::string name, bool is_abstract);
    std::string name_;
    bool abstract_ = false;
};

/// Who is at the other end; as of when the connection was made.
struct peer_credentials {
    std::int32_t process = 0;
    std::uint32_t user = 0;
    std::uint32_t group = 0;
};

/// A descriptor that came from another process; closed with this unless release()d.
class owned_descriptor {
public:
    owned_descriptor() noexcept = default;
    explicit owned_descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    owned_descriptor(owned_descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    owned_descriptor& operator=(owned_descriptor&& other) noexcept {
        owned_descriptor(std::move(other)).swap(*this);
        return *this;
    }
    ~owned_descriptor();
    void swap(owned_descriptor& other) noexcept { std::swap(descriptor_, other.descriptor_); }
    /// -1: none.
    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
    explicit operator bool() const noexcept { return descriptor_ >= 0; }

private:
    int descriptor_ = -1;
};

/// What receive_descriptor() read.
struct received_descriptor {
    std::size_t size = 0;         ///< bytes in the buffer; 0 at the end of the stream
    owned_descriptor descriptor;  ///< close-on-exec; empty when none came with these bytes
    bool lost_some =
        false;  ///< more than one came, or one for which this process has no room (EMFILE): the kernel has closed it
};

/// One end of a connection within the machine.
/// Reading, writing and closing are socket_stream's, and so are its guarantees.
class unix_stream : public socket_stream {
public:
    /// Not connected.
    unix_stream() noexcept : socket_stream("unix_stream") {}

    /// Connects to a listener. While its line is full, tries again with pauses of up to 50 ms.
    /// @throws io_error  "connect to '/run/x.sock' failed: connection refused (ECONNREFUSED)", when the file is there and nobody listens
    [[nodiscard]] static task<unix_stream> connect(unix_endpoint remote, cancellation_token token = {});
    /// Two ends that are connected to each other. @throws io_error
    [[nodiscard]] static std::pair<unix_stream, unix_stream> pair();

    /// Sends `descriptor`, which stays the caller's too, with the first byte of `data`, and all of `data`.
    /// @throws std::invalid_argument  when `data` is empty
    [[nodiscard]] task<> send_descriptor(int descriptor, std::span<const std::byte> data, cancellation_token token = {});
    /// Reads as read(), and takes the descriptor that comes with these bytes, if one does. Of several it takes the first and closes
    /// the others. read() drops such descriptors.
    [[nodiscard]] task<received_descriptor> receive_descriptor(std::span<std::byte> room, cancellation_token token = {});

    /// Who is there. @throws io_error
    [[nodiscard]] peer_credentials credentials() const;
    /// The name of the listener, on both sides; "unix socket pair" for pair(). @throws object_disposed
    [[nodiscard]] std::string peer_name() const;

private:
    friend class unix_listener;
    explicit unix_stream(detail::descriptor_owner owner) noexcept : socket_stream("unix_stream", std::move(owner)) {}
};

/// How a unix_listener is made.
struct unix_listen_options {
    int backlog = 4096;          ///< connections the kernel keeps ready; it lowers this to its own limit
    bool replace_stale = false;  ///< a socket file that nobody listens at any more is replaced, instead of EADDRINUSE
    unsigned permissions = 0;    ///< of the file, such as 0600; 0: as the umask leaves them
};
static_assert(std::is_trivially_destructible_v<unix_listen_options>);

/// Takes connections in. The file that it made is removed with it, unless another has taken its place.
///
/// A resource: move-only; lifetime and threads as for tcp_stream, but any number of accepts may be pending.
class unix_listener {
public:
    unix_listener() noexcept = default;

    /// @throws io_error  "listen on '/run/x.sock' failed: address already in use (EADDRINUSE)"; the same, of two that replace a stale
    ///                   file at once, for the one whose file the other took away
    [[nodiscard]] static unix_listener bind(unix_endpoint local, unix_listen_options options = {});

    /// Waits for the next connection. Without a free descriptor it waits as tcp_listener::accept() does.
    /// Cancellation  no connection is lost: it stays with the kernel for the next accept.
    [[nodiscard]] task<unix_stream> accept(cancellation_token token = {});

    /// @throws object_disposed
    [[nodiscard]] unix_endpoint local_endpoint() const;

    /// The descriptor, for options that have no name here. @throws object_disposed
    [[nodiscard]] int native_handle() const;

    /// Removes the file, ends pending accepts as cancelled and closes. Later calls do nothing.
    [[nodiscard]] task<> close();
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit unix_listener(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    [[nodiscard]] detail::local_listener_state& state() const;

    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::net
