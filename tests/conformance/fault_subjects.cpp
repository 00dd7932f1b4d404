// tests/conformance/fault_subjects.cpp: the subjects of the fault table, one class a kind.
// SPDX-License-Identifier: MIT

#include "fault_subjects.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

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

/// About a file that has something in it.
class file_subject : public subject {
public:
    task<> prepare(stage& on) override {
        path_ = on.folder + "/file";
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
        operation.buffer = const_cast<char*>(text_.data());
        operation.length = static_cast<std::uint32_t>(text_.size());
        operation.offset = 0;
    }
    bool is_right(int result, bool partly) override { return is_count(result, text_.size(), partly); }
    std::string_view text_ = "something else, and longer than before";
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
        operation.buffer = const_cast<char*>(text_.data());
        operation.length = static_cast<std::uint32_t>(text_.size());
    }
    bool is_right(int result, bool) override { return is_count(result, text_.size(), true); }
    std::string_view text_ = "something to say";
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
