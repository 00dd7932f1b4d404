// src/io/net/unix.cpp: names of the Unix domain, and what is done with sockets that have them.
// SPDX-License-Identifier: MIT

#include "weft/io/net/unix.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/net/accepting.hpp"
#include "io/net/closing_signal.hpp"
#include "io/net/socket_options.hpp"
#include "weft/scheduling/delay.hpp"

namespace weft::inline WEFT_ABI::detail {

/// A connected socket, known by the name of the listener.
class local_socket_state final : public descriptor_state {
public:
    local_socket_state(io_driver& driver, int fd, std::string known_as) noexcept
        : descriptor_state(driver, fd), name_(std::move(known_as)) {}

    [[nodiscard]] const char* kind() const noexcept override { return "unix_stream"; }
    [[nodiscard]] std::string name() const override { return name_; }

protected:
    void interrupt() noexcept override { driver().shutdown(fd(), SHUT_RDWR); }

private:
    std::string name_;
};

/// Knows the file it has made, and takes no other away.
class local_listener_state final : public descriptor_state {
public:
    local_listener_state(io_driver& driver, int fd, net::unix_endpoint local)
        : descriptor_state(driver, fd), local_(std::move(local)) {}
    ~local_listener_state() override { remove_file(); }

    [[nodiscard]] const char* kind() const noexcept override { return "unix_listener"; }
    [[nodiscard]] std::string name() const override { return local_.to_string(); }
    [[nodiscard]] const net::unix_endpoint& local() const noexcept { return local_; }
    [[nodiscard]] const closing_signal& closing() const noexcept { return closing_; }

    /// Whether the name still stands for the file of file_made(); a name without a file does always.
    [[nodiscard]] bool has_its_file() const noexcept {
        if (local_.is_abstract()) return true;
        struct stat there{};
        return has_file_.load(std::memory_order_acquire) && ::lstat(local_.name().c_str(), &there) == 0 &&
            there.st_dev == file_.st_dev && there.st_ino == file_.st_ino;
    }
    void file_made() noexcept {
        if (local_.is_abstract() || ::lstat(local_.name().c_str(), &file_) != 0) return;
        has_file_.store(true, std::memory_order_release);
    }
    void remove_file() noexcept {
        if (!has_file_.exchange(false, std::memory_order_acq_rel)) return;
        struct stat there{};
        if (::lstat(local_.name().c_str(), &there) != 0) return;
        if (there.st_dev == file_.st_dev && there.st_ino == file_.st_ino) ::unlink(local_.name().c_str());
    }

protected:
    // shutdown(2) of a listener of this domain wakes nobody who asked without waiting.
    void interrupt() noexcept override { closing_.fire(); }

private:
    net::unix_endpoint local_;
    struct stat file_{};
    std::atomic<bool> has_file_{false};
    closing_signal closing_;
};

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

using detail::fail_socket;
using detail::local_listener_state;
using detail::local_socket_state;

namespace {

constexpr const char* listener_kind = "unix_listener";
constexpr std::size_t longest_name = sizeof(sockaddr_un::sun_path) - 1;

/// A name as the kernel wants it.
struct local_address {
    sockaddr_un address{};
    socklen_t size = 0;

    explicit local_address(const unix_endpoint& of) noexcept {
        address.sun_family = AF_UNIX;
        const std::string& name = of.name();
        // An abstract name begins with a zero and ends with its last byte, a path ends with a zero.
        std::memcpy(address.sun_path + (of.is_abstract() ? 1 : 0), name.data(), name.size());
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
    }
    [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&address); }
};

/// A socket as a stream; nothing is left open when it throws.
detail::descriptor_owner adopt(io_driver& driver, int fd, const std::string& known_as) {
    try {
        return detail::descriptor_owner(new local_socket_state(driver, fd, known_as));
    } catch (...) {
        driver.close_now(fd);
        throw;
    }
}

int open_local(io_driver& driver, const std::string& attempt) {
    const int fd = driver.open_local_socket();
    if (fd < 0) fail_socket(-fd, attempt);
    return fd;
}

/// connect(2), which never waits here. @returns 0 or the error
int try_connect(int fd, const local_address& to) noexcept {
    for (;;) {
        if (::connect(fd, to.data(), to.size) == 0) return 0;
        if (errno != EINTR) return errno;
    }
}

/// Whether `where` is a socket that nobody listens at.
bool is_stale(const unix_endpoint& where) noexcept {
    struct stat there{};
    if (where.is_abstract() || ::lstat(where.name().c_str(), &there) != 0 || !S_ISSOCK(there.st_mode)) return false;
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return false;
    const int error = try_connect(probe, local_address(where));
    ::close(probe);
    return error == ECONNREFUSED;
}

/// Whether somebody listens at the socket `path`, which may be longer than an address.
bool is_alive(const std::string& path) {
    const owned_descriptor file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    const owned_descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!file || !probe) return false;
    const int error = try_connect(probe.get(), local_address(unix_endpoint("/proc/self/fd/" + std::to_string(file.get()))));
    return error == 0 || error == EAGAIN;
}

/// Takes the file of `where` away if nobody listens there. It is put aside before the last look: a listener that was just starting
/// may have begun to listen since the first, and gets it back then.
/// @returns whether the name is free
bool remove_stale(const unix_endpoint& where) {
    if (!is_stale(where)) return false;
    static std::atomic<unsigned> turn{0};
    const std::string aside =
        where.name() + ".stale-" + std::to_string(::getpid()) + '-' + std::to_string(turn.fetch_add(1));
    if (::rename(where.name().c_str(), aside.c_str()) != 0) return errno == ENOENT;
    const bool alive = is_alive(aside);
    if (alive) static_cast<void>(::link(aside.c_str(), where.name().c_str()));  // unless the name is taken again
    ::unlink(aside.c_str());
    return !alive;
}

std::string attempt_to_send(const detail::descriptor_state& state) { return "send a descriptor to '" + state.name() + "'"; }

using send_message_operation = detail::descriptor_operation<io_kind::sendmsg, std::size_t, &attempt_to_send>;
using receive_message_operation = detail::descriptor_operation<io_kind::recvmsg, std::size_t, &detail::attempt_to_read>;

/// A message with room for one descriptor. One that came and was not taken is closed with it.
class descriptor_message {
public:
    /// To be received; put() makes it one to send.
    descriptor_message(const void* data, std::size_t size) noexcept {
        part_.iov_base = const_cast<void*>(data);
        part_.iov_len = size;
        head_.msg_iov = &part_;
        head_.msg_iovlen = 1;
        head_.msg_control = control_;
        // Without the padding behind it, which has room for another: the kernel drops what finds none.
        head_.msg_controllen = CMSG_LEN(sizeof(int));
    }
    descriptor_message(const descriptor_message&) = delete;
    descriptor_message& operator=(const descriptor_message&) = delete;
    ~descriptor_message() {
        if (!sends_) static_cast<void>(take());
    }

    void put(int descriptor) noexcept {
        sends_ = true;
        head_.msg_controllen = sizeof control_;
        cmsghdr* const part = CMSG_FIRSTHDR(&head_);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    }
    [[nodiscard]] owned_descriptor take() noexcept {
        cmsghdr* const part = CMSG_FIRSTHDR(&head_);
        owned_descriptor first;
        if (part != nullptr && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= part->cmsg_len; at += sizeof(int)) {
                int descriptor = -1;
                std::memcpy(&descriptor, CMSG_DATA(part) + at, sizeof descriptor);
                owned_descriptor each(descriptor);
                if (!first) first.swap(each);  // further ones close here
            }
        }
        head_.msg_controllen = 0;
        return first;
    }
    /// Whether the kernel had descriptors that it could not hand over.
    [[nodiscard]] bool lost_some() const noexcept { return (head_.msg_flags & MSG_CTRUNC) != 0; }
    [[nodiscard]] msghdr* head() noexcept { return &head_; }

private:
    msghdr head_{};
    iovec part_{};
    bool sends_ = false;
    alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))]{};
};

}  // namespace

// ---- names

unix_endpoint::unix_endpoint(std::string name, bool is_abstract) : name_(std::move(name)), abstract_(is_abstract) {
    if (name_.empty() || name_.size() > longest_name)
        throw std::invalid_argument("the name of a Unix socket has 1 to " + std::to_string(longest_name) + " bytes, not " +
            std::to_string(name_.size()));
    if (!abstract_ && name_.find('\0') != std::string::npos)
        throw std::invalid_argument("the path of a Unix socket has no zero byte");
}

unix_endpoint::unix_endpoint(std::string path) : unix_endpoint(std::move(path), false) {}

unix_endpoint unix_endpoint::abstract(std::string name) { return {std::move(name), true}; }

owned_descriptor::~owned_descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

// ---- unix_stream

task<unix_stream> unix_stream::connect(unix_endpoint remote, cancellation_token token) {
    token.throw_if_cancellation_requested();
    const std::string attempt = "connect to '" + remote.to_string() + "'";
    io_driver& driver = detail::current_io_driver();
    unix_stream stream(adopt(driver, open_local(driver, attempt), remote.to_string()));
    const local_address address(remote);
    std::chrono::milliseconds pause(1);
    for (;;) {
        const int error = try_connect(stream.state().fd(), address);
        if (error == 0) co_return stream;
        if (error != EAGAIN) fail_socket(error, attempt);
        // The listener's line is full, and nothing tells when it is not.
        co_await delay(pause, token).configure_await(false);
        pause = std::min(pause * 2, std::chrono::milliseconds(50));
    }
}

std::pair<unix_stream, unix_stream> unix_stream::pair() {
    const std::string attempt = "make a pair of Unix sockets";
    io_driver& driver = detail::current_io_driver();
    // Whether this driver's world has such sockets.
    driver.close_now(open_local(driver, attempt));
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) fail_socket(errno, attempt);
    owned_descriptor second(ends[1]);
    unix_stream first(adopt(driver, ends[0], "unix socket pair"));
    return {std::move(first), unix_stream(adopt(driver, second.release(), "unix socket pair"))};
}

task<> unix_stream::send_descriptor(int descriptor, std::span<const std::byte> data, cancellation_token token) {
    if (data.empty()) throw std::invalid_argument("send_descriptor: a descriptor travels with at least one byte");
    descriptor_message message(data.data(), data.size());
    message.put(descriptor);
    detail::io_request request(&state(), message.head(), data.size(), token, 0);
    const std::size_t sent = co_await send_message_operation(std::move(request)).configure_await(false);
    const std::span<const std::byte> rest = data.subspan(sent);
    if (!rest.empty()) co_await write(rest, std::move(token)).configure_await(false);
}

task<received_descriptor> unix_stream::receive_descriptor(std::span<std::byte> room, cancellation_token token) {
    descriptor_message message(room.data(), room.size());
    detail::io_request request(&state(), message.head(), room.size(), std::move(token), MSG_CMSG_CLOEXEC);
    received_descriptor result;
    result.size = co_await receive_message_operation(std::move(request)).configure_await(false);
    result.lost_some = message.lost_some();
    result.descriptor = message.take();
    co_return result;
}

peer_credentials unix_stream::credentials() const {
    const detail::descriptor_use use(state());
    ucred known{};
    socklen_t size = sizeof known;
    if (::getsockopt(state().fd(), SOL_SOCKET, SO_PEERCRED, &known, &size) != 0)
        fail_socket(errno, "ask for the credentials of the peer at '" + state().name() + "'");
    return {known.pid, known.uid, known.gid};
}

std::string unix_stream::peer_name() const { return state().name(); }

// ---- unix_listener

local_listener_state& unix_listener::state() const {
    if (owner_.get() == nullptr) throw object_disposed(listener_kind);
    return static_cast<local_listener_state&>(*owner_.get());
}

unix_listener unix_listener::bind(unix_endpoint local, unix_listen_options options) {
    const std::string attempt = "listen on '" + local.to_string() + "'";
    io_driver& driver = detail::current_io_driver();
    const int fd = open_local(driver, attempt);
    local_listener_state* made = nullptr;
    try {
        made = new local_listener_state(driver, fd, local);
    } catch (...) {
        driver.close_now(fd);
        throw;
    }
    detail::descriptor_owner owner(made);
    const local_address address(local);
    // Nothing tells which file a socket is bound to: within the process the lock keeps others from replacing it before it is looked at;
    // between processes there are some microseconds in which it can happen.
    static std::mutex naming;
    std::unique_lock guard(naming);
    int result = driver.bind(fd, &address.address, address.size);
    if (result == -EADDRINUSE && options.replace_stale && remove_stale(local))
        result = driver.bind(fd, &address.address, address.size);
    if (result < 0) fail_socket(-result, attempt);
    made->file_made();
    guard.unlock();
    if (!local.is_abstract() && options.permissions != 0 && ::chmod(local.name().c_str(), options.permissions) != 0)
        fail_socket(errno, "change the permissions of '" + local.name() + "'");
    result = driver.listen(fd, options.backlog);
    if (result < 0) fail_socket(-result, attempt);
    // Until now nobody listened, and another who replaces stale files may have taken this one away. From now on nobody does.
    if (!made->has_its_file()) fail_socket(EADDRINUSE, attempt);
    return unix_listener(std::move(owner));
}

task<unix_stream> unix_listener::accept(cancellation_token token) {
    local_listener_state& listener = state();
    const detail::descriptor_use use(listener);
    const detail::closable_wait wait(listener.closing(), std::move(token));
    int fd = -1;
    try {
        fd = co_await detail::accept_descriptor(listener, wait.token()).configure_await(false);
    } catch (const operation_canceled&) {
        wait.fail(listener, "accept on '" + listener.name() + "'");
    }
    co_return unix_stream(adopt(listener.driver(), fd, listener.name()));
}

unix_endpoint unix_listener::local_endpoint() const { return state().local(); }

int unix_listener::native_handle() const {
    if (!owner_.is_open()) throw object_disposed(listener_kind);
    return state().fd();
}

task<> unix_listener::close() {
    if (owner_.get() != nullptr) state().remove_file();
    return owner_.close();
}

}  // namespace weft::inline WEFT_ABI::net
