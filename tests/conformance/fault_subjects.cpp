// tests/conformance/fault_subjects.cpp: the subjects of the fault table, one class a kind.
// SPDX-License-Identifier: MIT

#include "fault_subjects.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "io/net/socket_state.hpp"

namespace weft_test {

using namespace weft;

task<> subject::let_go(stage&) { co_return; }

namespace {

constexpr std::string_view content = "what stands in the file";
constexpr std::uint64_t nowhere = io_operation::no_offset;

bool is_count(int result, std::size_t whole, bool partly) {
    return partly ? result >= 1 && result <= static_cast<int>(whole) : result == static_cast<int>(whole);
}

class nop_subject final : public subject {
    task<> prepare(stage&) override { co_return; }
    void fill(io_operation&) override {}
    bool is_right(int result, bool) override { return result == 0; }
    task<> clean(stage&, int) override { co_return; }
};

// ---- files

task<int> open_at(stage& on, const std::string& path, int flags) {
    return perform(on, io_kind::open, -1, path.c_str(), 0644, nowhere, static_cast<std::uint32_t>(flags));
}

/// Several subjects may be there at once.
std::string unused_name(stage& on) {
    static std::atomic<unsigned> used{0};
    return on.folder + "/" + std::to_string(used.fetch_add(1));
}

/// About a file that has something in it.
class file_subject : public subject {
public:
    task<> prepare(stage& on) override {
        path_ = unused_name(on);
        fd_ = co_await open_at(on, path_, O_RDWR | O_CREAT | O_TRUNC);
        EXPECT_GE(fd_, 0);
        std::size_t done = 0;
        while (done < content.size()) {
            const int count = co_await perform(on, io_kind::write, fd_, content.data() + done, content.size() - done, done);
            EXPECT_GT(count, 0);
            if (count <= 0) break;
            done += static_cast<std::size_t>(count);
        }
    }
    task<> clean(stage& on, int) override {
        on.driver.close_now(fd_);
        co_return;
    }

protected:
    std::string path_;
    int fd_ = -1;
};

class read_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.fd = fd_;
        operation.buffer = bytes_.data();
        operation.length = static_cast<std::uint32_t>(content.size());
        operation.offset = 0;
    }
    bool is_right(int result, bool partly) override {
        return is_count(result, content.size(), partly) &&
            content.starts_with(std::string_view(bytes_.data(), static_cast<std::size_t>(result)));
    }
    std::array<char, 64> bytes_{};
};

class write_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.fd = fd_;
        operation.buffer = text_.data();
        operation.length = static_cast<std::uint32_t>(text_.size());
        operation.offset = 0;
    }
    bool is_right(int result, bool partly) override { return is_count(result, text_.size(), partly); }
    // Its own: it belongs to the kernel while others are made.
    std::string text_ = "something else, and longer than before";
};

class open_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.buffer = path_.data();
        operation.flags = O_RDONLY;
    }
    bool is_right(int result, bool) override { return result >= 0; }
    task<> clean(stage& on, int result) override {
        if (result >= 0) on.driver.close_now(result);
        on.driver.close_now(fd_);
        co_return;
    }
};

class close_subject final : public file_subject {
    void fill(io_operation& operation) override { operation.fd = fd_; }
    bool is_right(int result, bool) override { return result == 0; }
    task<> clean(stage& on, int result) override {
        if (result == -ECANCELED) on.driver.close_now(fd_);
        co_return;
    }
};

class sync_subject final : public file_subject {
    void fill(io_operation& operation) override { operation.fd = fd_; }
    bool is_right(int result, bool) override { return result == 0; }
};

class stat_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.fd = fd_;
        operation.buffer = answer_.get();
        operation.flags = STATX_SIZE;
    }
    bool is_right(int result, bool) override { return result == 0 && answer_->stx_size == content.size(); }
    std::unique_ptr<struct statx> answer_ = std::make_unique<struct statx>();
};

class readv_subject final : public file_subject {
    void fill(io_operation& operation) override {
        parts_ = {{{bytes_.data(), 5}, {bytes_.data() + 5, content.size() - 5}}};
        operation.fd = fd_;
        operation.buffer = parts_.data();
        operation.length = 2;
        operation.offset = 0;
    }
    bool is_right(int result, bool partly) override {
        return is_count(result, content.size(), partly) &&
            content.starts_with(std::string_view(bytes_.data(), static_cast<std::size_t>(result)));
    }
    std::array<iovec, 2> parts_{};
    std::array<char, 64> bytes_{};
};

class writev_subject final : public file_subject {
    void fill(io_operation& operation) override {
        parts_ = {{{text_.data(), 4}, {text_.data() + 4, text_.size() - 4}}};
        operation.fd = fd_;
        operation.buffer = parts_.data();
        operation.length = 2;
        operation.offset = 0;
    }
    bool is_right(int result, bool partly) override { return is_count(result, text_.size(), partly); }
    std::string text_ = "in two parts";
    std::array<iovec, 2> parts_{};
};

class truncate_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.fd = fd_;
        operation.offset = 3;
    }
    bool is_right(int result, bool) override { return result == 0; }
};

class allocate_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.fd = fd_;
        operation.offset = 4096;
    }
    bool is_right(int result, bool) override { return result == 0; }
};

class change_mode_subject final : public file_subject {
    void fill(io_operation& operation) override {
        operation.fd = fd_;
        operation.flags = 0600;
    }
    bool is_right(int result, bool) override { return result == 0; }
};

class copy_range_subject final : public file_subject {
    task<> prepare(stage& on) override {
        co_await file_subject::prepare(on);
        target_ = co_await open_at(on, unused_name(on), O_RDWR | O_CREAT);
        EXPECT_GE(target_, 0);
    }
    void fill(io_operation& operation) override {
        operation.fd = target_;
        operation.flags = static_cast<std::uint32_t>(fd_);
        operation.length = 4096;
    }
    bool is_right(int result, bool partly) override { return is_count(result, content.size(), partly); }
    task<> clean(stage& on, int) override {
        on.driver.close_now(target_);
        on.driver.close_now(fd_);
        co_return;
    }
    int target_ = -1;
};

// ---- names

class name_subject : public file_subject {
public:
    task<> prepare(stage& on) override {
        co_await file_subject::prepare(on);
        new_name_ = unused_name(on);
    }
    void fill(io_operation& operation) override { operation.buffer = &asked_; }
    bool is_right(int result, bool) override { return result == 0; }

protected:
    std::string new_name_;
    path_request asked_;
};

class stat_path_subject final : public name_subject {
    void fill(io_operation& operation) override {
        asked_.path = path_.c_str();
        asked_.answer = answer_.get();
        name_subject::fill(operation);
    }
    bool is_right(int result, bool) override { return result == 0 && answer_->stx_size == content.size(); }
    std::unique_ptr<struct statx> answer_ = std::make_unique<struct statx>();
};

class rename_subject final : public name_subject {
    void fill(io_operation& operation) override {
        asked_.path = path_.c_str();
        asked_.target = new_name_.c_str();
        name_subject::fill(operation);
    }
};

class unlink_subject final : public name_subject {
    void fill(io_operation& operation) override {
        asked_.path = path_.c_str();
        name_subject::fill(operation);
    }
};

class make_directory_subject final : public name_subject {
    void fill(io_operation& operation) override {
        asked_.path = new_name_.c_str();
        operation.length = 0755;
        name_subject::fill(operation);
    }
};

class link_subject final : public name_subject {
    void fill(io_operation& operation) override {
        asked_.path = path_.c_str();
        asked_.target = new_name_.c_str();
        name_subject::fill(operation);
    }
};

class symlink_subject final : public name_subject {
    void fill(io_operation& operation) override {
        asked_.path = new_name_.c_str();
        asked_.target = path_.c_str();
        name_subject::fill(operation);
    }
};

class read_link_subject final : public name_subject {
    task<> prepare(stage& on) override {
        co_await name_subject::prepare(on);
        path_request make;
        make.path = new_name_.c_str();
        make.target = path_.c_str();
        const int failed = co_await perform(on, io_kind::symlink, -1, &make);
        EXPECT_EQ(failed, 0);
    }
    void fill(io_operation& operation) override {
        asked_.path = new_name_.c_str();
        asked_.answer = text_.data();
        operation.length = static_cast<std::uint32_t>(text_.size());
        name_subject::fill(operation);
    }
    bool is_right(int result, bool) override {
        return result >= 0 && std::string_view(text_.data(), static_cast<std::size_t>(result)) == path_;
    }
    std::array<char, 256> text_{};
};

class read_directory_subject final : public name_subject {
    task<> prepare(stage& on) override {
        co_await name_subject::prepare(on);
        path_request make;
        make.path = new_name_.c_str();
        const int failed = co_await perform(on, io_kind::make_directory, -1, &make, 0755);
        EXPECT_EQ(failed, 0);
        folder_ = co_await open_at(on, new_name_, O_RDONLY | O_DIRECTORY);
        EXPECT_GE(folder_, 0);
    }
    void fill(io_operation& operation) override {
        operation.fd = folder_;
        operation.buffer = entries_.data();
        operation.length = static_cast<std::uint32_t>(entries_.size());
    }
    bool is_right(int result, bool) override { return result > 0; }  // "." and ".." at least
    task<> clean(stage& on, int) override {
        on.driver.close_now(folder_);
        on.driver.close_now(fd_);
        co_return;
    }
    int folder_ = -1;
    alignas(16) std::array<char, 1024> entries_{};
};

// ---- sockets

class stream_subject : public subject {
public:
    task<> prepare(stage& on) override { ends_ = co_await connected(on); }
    task<> clean(stage& on, int) override {
        close_both(on, ends_);
        co_return;
    }

protected:
    two_ends ends_{-1, -1};
};

class recv_subject final : public stream_subject {
    void fill(io_operation& operation) override {
        operation.fd = ends_.client;
        operation.buffer = bytes_.data();
        operation.length = static_cast<std::uint32_t>(bytes_.size());
    }
    task<> let_go(stage& on) override {
        const int failed = co_await send_all(on, ends_.server, "words");
        EXPECT_EQ(failed, 0);
    }
    bool is_right(int result, bool) override {  // a stream may always come in pieces
        return result >= 1 &&
            std::string_view("words").starts_with(std::string_view(bytes_.data(), static_cast<std::size_t>(result)));
    }
    std::array<char, 64> bytes_{};
};

class send_subject final : public stream_subject {
    void fill(io_operation& operation) override {
        operation.fd = ends_.client;
        operation.buffer = text_.data();
        operation.length = static_cast<std::uint32_t>(text_.size());
    }
    bool is_right(int result, bool) override { return is_count(result, text_.size(), true); }
    std::string text_ = "something to say";
};

class recvmsg_subject final : public stream_subject {
    void fill(io_operation& operation) override {
        part_ = {bytes_.data(), bytes_.size()};
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        operation.fd = ends_.client;
        operation.buffer = &message_;
    }
    task<> let_go(stage& on) override {
        const int failed = co_await send_all(on, ends_.server, "words");
        EXPECT_EQ(failed, 0);
    }
    bool is_right(int result, bool) override {
        return result >= 1 &&
            std::string_view("words").starts_with(std::string_view(bytes_.data(), static_cast<std::size_t>(result)));
    }
    std::array<char, 64> bytes_{};
    iovec part_{};
    msghdr message_{};
};

class sendmsg_subject final : public stream_subject {
    void fill(io_operation& operation) override {
        part_ = {text_.data(), text_.size()};
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        operation.fd = ends_.client;
        operation.buffer = &message_;
    }
    bool is_right(int result, bool) override { return is_count(result, text_.size(), true); }
    std::string text_ = "a message";
    iovec part_{};
    msghdr message_{};
};

class poll_in_subject final : public stream_subject {
    void fill(io_operation& operation) override {
        operation.fd = ends_.client;
        operation.flags = POLLIN;
    }
    task<> let_go(stage& on) override {
        const int failed = co_await send_all(on, ends_.server, "x");
        EXPECT_EQ(failed, 0);
    }
    bool is_right(int result, bool) override { return result > 0 && (result & POLLIN) != 0; }
};

class poll_out_subject final : public stream_subject {
    void fill(io_operation& operation) override {
        operation.fd = ends_.client;
        operation.flags = POLLOUT;
    }
    bool is_right(int result, bool) override { return result > 0 && (result & POLLOUT) != 0; }
};

class accept_subject final : public subject {
    task<> prepare(stage& on) override {
        listener_ = listening(on, where_);
        client_ = on.driver.open_socket(false);
        co_return;
    }
    void fill(io_operation& operation) override { operation.fd = listener_; }
    task<> let_go(stage& on) override {
        const int failed = co_await connect(on, client_, where_);
        EXPECT_EQ(failed, 0);
    }
    bool is_right(int result, bool) override { return result >= 0; }
    task<> clean(stage& on, int result) override {
        if (result >= 0) on.driver.close_now(result);
        reset_on_close(on, client_);  // a port that lingers is missing after some ten thousand races
        on.driver.close_now(client_);
        on.driver.close_now(listener_);
        co_return;
    }
    net::endpoint where_;
    int listener_ = -1;
    int client_ = -1;
};

class connect_subject final : public subject {
    task<> prepare(stage& on) override {
        net::endpoint where;
        listener_ = listening(on, where);
        client_ = on.driver.open_socket(false);
        address_ = std::make_unique<weft::detail::socket_address>(where);
        co_return;
    }
    void fill(io_operation& operation) override {
        operation.fd = client_;
        operation.buffer = address_->data();
        operation.length = address_->size();
    }
    bool is_right(int result, bool) override { return result == 0; }
    task<> clean(stage& on, int) override {
        reset_on_close(on, client_);
        on.driver.close_now(client_);
        on.driver.close_now(listener_);
        co_return;
    }
    std::unique_ptr<weft::detail::socket_address> address_;
    int listener_ = -1;
    int client_ = -1;
};

template <class T>
std::unique_ptr<subject> make() {
    return std::make_unique<T>();
}

}  // namespace

const std::vector<subject_kind>& subject_kinds() {
    static const std::vector<subject_kind> all = {
        // name, kind, maker, waits, moves, has_descriptor, sockets_only, errors
        {"nop", io_kind::nop, &make<nop_subject>, false, false, false, false, {}},
        {"read", io_kind::read, &make<read_subject>, false, true, true, false, {EIO, ENOMEM}},
        {"write", io_kind::write, &make<write_subject>, false, true, true, false, {EIO, ENOSPC, EDQUOT}},
        {"open", io_kind::open, &make<open_subject>, false, false, false, false, {EMFILE, ENFILE, ENOMEM, EACCES}},
        {"close", io_kind::close, &make<close_subject>, false, false, true, false, {EIO, ENOSPC}},
        {"sync", io_kind::sync, &make<sync_subject>, false, false, true, false, {EIO, ENOSPC}},
        {"stat", io_kind::stat, &make<stat_subject>, false, false, true, false, {EIO, ENOMEM}},
        {"readv", io_kind::readv, &make<readv_subject>, false, true, true, false, {EIO}},
        {"writev", io_kind::writev, &make<writev_subject>, false, true, true, false, {EIO, ENOSPC}},
        {"truncate", io_kind::truncate, &make<truncate_subject>, false, false, true, false, {EIO}},
        {"allocate", io_kind::allocate, &make<allocate_subject>, false, false, true, false, {ENOSPC}},
        {"change_mode", io_kind::change_mode, &make<change_mode_subject>, false, false, true, false, {EPERM}},
        {"copy_range", io_kind::copy_range, &make<copy_range_subject>, false, true, true, false, {EIO, ENOSPC}},
        {"stat_path", io_kind::stat_path, &make<stat_path_subject>, false, false, false, false, {EACCES}},
        {"rename", io_kind::rename, &make<rename_subject>, false, false, false, false, {EACCES, ENOSPC}},
        {"unlink", io_kind::unlink, &make<unlink_subject>, false, false, false, false, {EACCES, EBUSY}},
        {"make_directory", io_kind::make_directory, &make<make_directory_subject>, false, false, false, false,
            {EACCES, ENOSPC}},
        {"link", io_kind::link, &make<link_subject>, false, false, false, false, {EACCES, EMLINK}},
        {"symlink", io_kind::symlink, &make<symlink_subject>, false, false, false, false, {EACCES, ENOSPC}},
        {"read_link", io_kind::read_link, &make<read_link_subject>, false, false, false, false, {EACCES}},
        {"read_directory", io_kind::read_directory, &make<read_directory_subject>, false, false, true, false, {EIO}},
        {"recvmsg", io_kind::recvmsg, &make<recvmsg_subject>, true, false, true, true, {ECONNRESET, ENOMEM}},
        {"sendmsg", io_kind::sendmsg, &make<sendmsg_subject>, false, false, true, true, {EPIPE, ENOBUFS}},
        {"recv", io_kind::recv, &make<recv_subject>, true, true, true, true, {ECONNRESET, ENOMEM}},
        {"send", io_kind::send, &make<send_subject>, false, true, true, true, {EPIPE, ECONNRESET, ENOBUFS}},
        {"poll_in", io_kind::poll, &make<poll_in_subject>, true, false, true, false, {ENOMEM}},
        {"poll_out", io_kind::poll, &make<poll_out_subject>, false, false, true, false, {ENOMEM}},
        {"accept", io_kind::accept, &make<accept_subject>, true, false, true, true,
            {EMFILE, ENFILE, ENOBUFS, ECONNABORTED}},
        {"connect", io_kind::connect, &make<connect_subject>, false, false, true, true,
            {ECONNREFUSED, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL}},
    };
    return all;
}

}  // namespace weft_test
