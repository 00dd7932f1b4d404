// src/io/io_wait.cpp: the life of one awaited operation, see the header.
// SPDX-License-Identifier: MIT

#include "weft/io/detail/io_wait.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "weft/base/error.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

std::uint32_t most(std::size_t length) noexcept {
    return static_cast<std::uint32_t>(std::min<std::size_t>(length, io_operation::longest));
}

/// The kinds whose `left` means something.
bool takes_what_comes(io_kind kind) noexcept {
    return kind == io_kind::recv || kind == io_kind::recvmsg || kind == io_kind::accept;
}

/// The kinds that have no offset: theirs carries the flags.
bool has_flags(io_kind kind) noexcept {
    switch (kind) {
        case io_kind::open:
        case io_kind::sync:
        case io_kind::stat:
        case io_kind::recvmsg:
        case io_kind::sendmsg:
        case io_kind::poll:
        case io_kind::change_mode:
        case io_kind::copy_range:
        case io_kind::stat_path:
        case io_kind::rename:
        case io_kind::unlink:
        case io_kind::watch_path: return true;
        default: return false;
    }
}

}  // namespace

io_wait::io_wait(io_kind what, io_request&& request) noexcept
    : io_operation(what, &resume),
      cancellation_node(&ask_to_cancel),
      state_(request.state),
      token_(std::move(request.token)) {
    buffer = request.buffer;
    length = most(request.length);
    // A send has no offset: there it counts what is left to send.
    offset = what == io_kind::send ? request.length : request.offset;
    flags = has_flags(what) ? static_cast<std::uint32_t>(request.offset) : 0;
    if (what == io_kind::allocate) flags = length;  // it has an offset, and no buffer to be that long
}

io_wait::~io_wait() {
    // A frame that shutdown destroys never came to finish().
    if (cancellation_node::owner != nullptr) remove_and_wait(*this);
    // A descriptor that nobody took: the operation was answered, but its awaiter never resumed.
    if (!entered_) return;
    io_driver& driver = state_->driver();
    driver.abandon(*this);
    if (result > 0 && (kind == io_kind::accept || kind == io_kind::open)) driver.close_now(result);
    state_->leave();
}

io_request io_wait::take_request() noexcept {
    return io_request(
        state_, buffer, kind == io_kind::send ? static_cast<std::size_t>(offset) : length, std::move(token_), offset);
}

bool io_wait::ready() noexcept {
    result = -ECANCELED;
    if (token_.is_cancellation_requested()) return true;
    entered_ = state_->enter();
    if (!entered_) return true;
    fd = state_->fd();  // not before: close() may be under way on another thread
    if (takes_what_comes(kind)) left = state_->left();
    while (state_->driver().try_now(*this)) {
        if (result <= 0 || !advance()) return true;
    }
    return false;
}

bool io_wait::begin(task_core& awaiter) noexcept {
    awaiter_ = &awaiter;
    result = -ECANCELED;
    // Registered first: once submitted, the operation may be over before another line of this runs.
    if (!add_registration(token_, *this)) return false;
    do {
        if (state_->driver().submit(*this)) return true;
        if (result <= 0 || !advance()) return false;
        rearm();
    } while (!token_.is_cancellation_requested());
    result = -ECANCELED;
    return false;
}

void io_wait::resume(io_operation& operation) noexcept {
    // The awaiter may run, and the operation be gone, before this returns.
    resume_awaiter(*static_cast<io_wait&>(operation).awaiter_, post_hint::local);
}

// A part was sent. The rest starts from here, inside the driver, without waking the awaiter.
void io_wait::continue_writing(io_operation& operation) noexcept {
    auto& self = static_cast<io_wait&>(operation);
    while (self.result > 0 && self.advance()) {
        self.rearm();
        if (self.token_.is_cancellation_requested()) self.result = -ECANCELED;
        else if (self.state_->driver().submit(self)) return;
    }
    resume(self);
}

// @returns whether there is more to send; only for an operation that sends everything
bool io_wait::advance() noexcept {
    if (io_operation::complete != &continue_writing) return false;
    const auto sent = static_cast<std::uint32_t>(result);
    buffer = static_cast<char*>(buffer) + sent;
    offset -= sent;
    length = most(offset);
    return offset != 0;
}

void io_wait::ask_to_cancel(cancellation_node& node) {
    auto& self = static_cast<io_wait&>(node);
    self.state_->driver().cancel(self);
}

std::int32_t io_wait::finish(std::string (*attempt)(const descriptor_state&), bool give_errors) {
    if (cancellation_node::owner != nullptr) {
        remove_and_wait(*this);
        cancellation_node::owner = nullptr;
    }
    // A peer's end that our own close made up is not news of the peer.
    const bool reads = kind == io_kind::recv || kind == io_kind::recvmsg;
    const bool broken = result < 0 || (result == 0 && reads && length != 0 && state_->is_closing());
    const bool given = give_errors && entered_ && result != -ECANCELED;
    if (entered_ && takes_what_comes(kind)) state_->note_left(result < 0 ? supply::unknown : left);
    if (!entered_ || (broken && !given)) [[unlikely]]
        fail(attempt);
    entered_ = false;
    const std::int32_t value = result;
    state_->leave();
    return value;
}

void io_wait::fail(std::string (*attempt)(const descriptor_state&)) {
    if (token_.is_cancellation_requested() && (result == -ECANCELED || !entered_))
        throw operation_canceled(std::move(token_));
    if (!entered_) throw object_disposed(state_->kind());
    if (state_->is_closing()) throw operation_canceled(attempt(*state_) + " was canceled: it was closed meanwhile");
    if (result == -ECANCELED) throw operation_canceled(attempt(*state_) + " was canceled: the runtime shuts down");
    throw io_error(std::error_code(-result, std::generic_category()), attempt(*state_));
}

}  // namespace weft::inline WEFT_ABI::detail
