// src/io/uring/probe.cpp: creating a ring proves nothing (a filter may refuse only the later calls), so everything the driver
// needs is done once.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include <liburing.h>
#include <sys/mman.h>

#include "io/uring/uring_driver.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

std::string refusal(const char* step, int error) {
    return io_error(std::error_code(error, std::generic_category()), step).what();
}

/// A ring that goes with its scope.
struct probe_ring {
    io_uring ring{};
    int error = 0;

    probe_ring() : error(-io_uring_queue_init(8, &ring, 0)) {}
    ~probe_ring() {
        if (error == 0) io_uring_queue_exit(&ring);
    }
    probe_ring(const probe_ring&) = delete;
    probe_ring& operator=(const probe_ring&) = delete;

    /// Submits what is prepared and takes one answer. @returns its result, or why there was none
    int round_trip() {
        io_uring_cqe* answer = nullptr;
        __kernel_timespec limit{1, 0};
        const int waited = io_uring_submit_and_wait_timeout(&ring, &answer, 1, &limit, nullptr);
        if (waited < 0) return waited;
        if (answer == nullptr) return -ETIME;
        const int result = answer->res;
        io_uring_cqe_seen(&ring, answer);
        return result;
    }
};

/// Registers and removes a ring of provided buffers.
int try_buffer_ring(io_uring& ring) {
    constexpr std::size_t size = 4096;
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
    registration.ring_entries = 8;
    int result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result == 0) result = io_uring_unregister_buf_ring(&ring, 0);
    ::munmap(memory, size);
    return result;
}

}  // namespace

std::uint64_t kinds_of_io_uring() noexcept {
    struct pair {
        io_kind kind;
        int code;
    };
    // 5.1 to 5.15. What stands in neither list has no opcode in the liburing that we are built with.
    static constexpr pair probed[] = {{io_kind::readv, IORING_OP_READV}, {io_kind::writev, IORING_OP_WRITEV},
        {io_kind::allocate, IORING_OP_FALLOCATE}, {io_kind::stat_path, IORING_OP_STATX},
        {io_kind::rename, IORING_OP_RENAMEAT}, {io_kind::unlink, IORING_OP_UNLINKAT},
        {io_kind::make_directory, IORING_OP_MKDIRAT}, {io_kind::link, IORING_OP_LINKAT},
        {io_kind::symlink, IORING_OP_SYMLINKAT}};
    static constexpr io_kind only_blocking[] = {io_kind::truncate, io_kind::change_mode, io_kind::copy_range,
        io_kind::read_directory, io_kind::read_link, io_kind::watch_path};
    const auto bit = [](io_kind kind) { return std::uint64_t{1} << static_cast<unsigned>(kind); };
    std::uint64_t kinds = ~std::uint64_t{0};
    for (const io_kind kind : only_blocking) kinds &= ~bit(kind);
    io_uring_probe* const known = io_uring_get_probe();
    for (const pair& each : probed) {
        if (known == nullptr || io_uring_opcode_supported(known, each.code) == 0) kinds &= ~bit(each.kind);
    }
    if (known != nullptr) io_uring_free_probe(known);
    return kinds;
}

std::string probe_io_uring() {
    probe_ring ring;
    if (ring.error != 0) return refusal("io_uring_setup", ring.error);
    if ((ring.ring.features & IORING_FEAT_EXT_ARG) == 0 || (ring.ring.features & IORING_FEAT_NODROP) == 0) {
        return "this kernel's io_uring lacks timed waits or loses answers";
    }
    io_uring_prep_nop(io_uring_get_sqe(&ring.ring));
    if (const int result = ring.round_trip(); result < 0) return refusal("io_uring_enter", -result);
    if (const int result = try_buffer_ring(ring.ring); result < 0)
        return refusal("registering an io_uring buffer ring", -result);

    probe_ring other;
    if (other.error != 0) return refusal("io_uring_setup", other.error);
    io_uring_prep_msg_ring(io_uring_get_sqe(&ring.ring), other.ring.ring_fd, 0, 1, 0);
    if (const int result = ring.round_trip(); result < 0) return refusal("an io_uring message", -result);

    io_uring_prep_cancel64(io_uring_get_sqe(&ring.ring), 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    if (const int result = ring.round_trip(); result < 0 && result != -ENOENT)
        return refusal("canceling all of an io_uring", -result);
    return {};
}

}  // namespace weft::inline WEFT_ABI::detail
