#pragma once
// bench/support/bare_ring.hpp: io_uring with nothing above it, as the bare loops use it: a ring and a pool of provided buffers.
// SPDX-License-Identifier: MIT

#include <liburing.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "support/errors.hpp"

namespace bench {

/// The flags of a ring that belongs to one thread: answers are made when it asks for them, and interrupt nobody.
inline constexpr unsigned one_thread = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

class bare_ring {
public:
    /// @param flags    of IORING_SETUP_…
    /// @param entries  room for requests that are not yet submitted
    /// @param answers  room for answers that are not yet seen; 0: twice as much as for requests
    explicit bare_ring(unsigned flags, unsigned entries, unsigned answers = 0) {
        io_uring_params parameters{};
        parameters.flags = flags | (answers == 0 ? 0U : IORING_SETUP_CQSIZE);
        parameters.cq_entries = answers;
        answered(io_uring_queue_init_params(entries, &ring_, &parameters), "set up io_uring");
    }
    ~bare_ring() { io_uring_queue_exit(&ring_); }
    bare_ring(const bare_ring&) = delete;
    bare_ring& operator=(const bare_ring&) = delete;

    [[nodiscard]] io_uring* get() noexcept { return &ring_; }
    [[nodiscard]] int descriptor() const noexcept { return ring_.ring_fd; }

    /// Spares the kernel looking the ring up at every call of this thread.
    void register_descriptor() { answered(io_uring_register_ring_fd(&ring_), "register the ring"); }

    /// A free entry; where there is none, what is prepared is submitted first.
    io_uring_sqe* entry() {
        for (;;) {
            if (io_uring_sqe* free = io_uring_get_sqe(&ring_)) return free;
            submit();
        }
    }

    void submit() { answered(io_uring_submit(&ring_), "submit"); }

    /// Submits what is prepared and sleeps until there are `count` answers, by one call of the kernel. A signal ends it early.
    void submit_and_wait(unsigned count) {
        if (const int result = io_uring_submit_and_wait(&ring_, count); result != -EINTR) answered(result, "wait");
    }

    /// Gives each answer that has come to `handle(const io_uring_cqe&)`; all are taken from the queue afterwards. @returns how many
    template <class Handle>
    unsigned for_each_answer(Handle handle) {
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* answer = nullptr;
        io_uring_for_each_cqe(&ring_, head, answer) {
            ++seen;
            handle(*answer);
        }
        io_uring_cq_advance(&ring_, seen);
        return seen;
    }

private:
    io_uring ring_{};
};

/// Buffers of one size that the kernel chooses from when something has come. A ring has one pool, which ends before it.
class provided_buffers {
public:
    /// @param count  a power of two
    provided_buffers(bare_ring& ring, unsigned count, std::size_t size)
        : ring_(ring),
          size_(static_cast<unsigned>(size)),
          mask_(io_uring_buf_ring_mask(count)),
          free_(room_for(count)),
          bytes_(new char[std::size_t{count} * size]) {
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(free_.get());
        registration.ring_entries = count;
        registration.bgid = group;
        answered(io_uring_register_buf_ring(ring_.get(), &registration, 0), "register buffers");
        io_uring_buf_ring_init(free_.get());
        for (unsigned id = 0; id < count; ++id) give_back_later(id);
        publish();
    }
    ~provided_buffers() { io_uring_unregister_buf_ring(ring_.get(), group); }
    provided_buffers(const provided_buffers&) = delete;
    provided_buffers& operator=(const provided_buffers&) = delete;

    /// Makes a request take its buffer from here.
    static void choose_for(io_uring_sqe* entry) {
        entry->flags |= IOSQE_BUFFER_SELECT;
        entry->buf_group = group;
    }
    /// The buffer that an answer has chosen.
    [[nodiscard]] static unsigned chosen_by(const io_uring_cqe& answer) { return answer.flags >> IORING_CQE_BUFFER_SHIFT; }

    [[nodiscard]] char* buffer(unsigned id) { return bytes_.get() + std::size_t{id} * size_; }

    void give_back(unsigned id) {
        give_back_later(id);
        publish();
    }

    /// The kernel sees it with the next publish(), which is one store for all of them.
    void give_back_later(unsigned id) {
        io_uring_buf_ring_add(free_.get(), buffer(id), size_, static_cast<unsigned short>(id), mask_, unpublished_++);
    }
    void publish() {
        io_uring_buf_ring_advance(free_.get(), unpublished_);
        unpublished_ = 0;
    }

private:
    static constexpr int group = 1;

    struct release {
        void operator()(io_uring_buf_ring* room) const { std::free(room); }
    };

    static io_uring_buf_ring* room_for(unsigned count) {
        void* memory = nullptr;
        if (posix_memalign(&memory, 4096, count * sizeof(io_uring_buf)) != 0) throw std::bad_alloc();
        return static_cast<io_uring_buf_ring*>(memory);
    }

    bare_ring& ring_;
    unsigned size_;
    int mask_;
    int unpublished_ = 0;
    std::unique_ptr<io_uring_buf_ring, release> free_;
    std::unique_ptr<char[]> bytes_;
};

}  // namespace bench
