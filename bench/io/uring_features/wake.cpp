// Two threads that sleep in a ring each wake each other in turn, with one feature: feature=eventfd|message|send_message.
//   eventfd       write(2) to a descriptor under a multishot poll
//   message       MSG_RING through the waker's own ring, submitted at once
//   send_message  IORING_REGISTER_SEND_MSG_RING (Linux 6.13): a message without a ring of one's own
// Processor time of both threads for one wake-up.
// SPDX-License-Identifier: MIT

#include <poll.h>
#include <sys/eventfd.h>

#include <thread>

#include "io/uring_features/features.hpp"

namespace {

constexpr std::uint64_t woken = 7;
constexpr unsigned register_send_message = 31;  // liburing 2.3 does not know it

enum class way : std::uint8_t { eventfd, message, send_message };

class sleeper {
public:
    explicit sleeper(way how) : how_(how) {
        if (how_ != way::eventfd) return;
        io_uring_sqe* entry = ring_.entry();
        io_uring_prep_poll_multishot(entry, event_, POLLIN);
        io_uring_sqe_set_data64(entry, woken);
        ring_.submit();
    }
    ~sleeper() { close(event_); }
    sleeper(const sleeper&) = delete;
    sleeper& operator=(const sleeper&) = delete;

    void sleep() {
        for (bool again = true; again;) {
            ring_.serve([&again](const io_uring_cqe& answer) {
                bench::answered(answer.res, "be woken");
                if (answer.user_data == woken) again = false;
            });
        }
    }

    void wake(sleeper& other) {
        const std::uint64_t one = 1;
        io_uring_sqe message{};
        switch (how_) {
            case way::eventfd: static_cast<void>(::write(other.event_, &one, sizeof one)); break;
            case way::message: {
                io_uring_sqe* entry = ring_.entry();
                io_uring_prep_msg_ring(entry, other.ring_.descriptor(), 0, woken, 0);
                entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
                ring_.submit();
                break;
            }
            case way::send_message:
                io_uring_prep_msg_ring(&message, other.ring_.descriptor(), 0, woken, 0);
                bench::answered(io_uring_register(static_cast<unsigned>(-1), register_send_message, &message, 1), "send");
                break;
        }
    }

private:
    static int io_uring_register(unsigned descriptor, unsigned code, void* argument, unsigned count) {
        const long result = syscall(__NR_io_uring_register, descriptor, code, argument, count);
        return result < 0 ? -errno : static_cast<int>(result);
    }

    way how_;
    int event_ = bench::called(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an eventfd");
    features::driver_ring ring_;
};

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::string_view feature = arguments.text("feature", "eventfd");
    const way how = feature == "message" ? way::message : feature == "send_message" ? way::send_message : way::eventfd;
    const std::uint64_t rounds = arguments.number("operations", 100'000) / 2;
    const unsigned core = features::core_of_the_other(arguments);
    sleeper here(how);
    sleeper there(how);
    features::stay_on_core(1);
    const double before = features::processor_time(CLOCK_PROCESS_CPUTIME_ID);
    std::thread other([&here, &there, rounds, core] {
        features::stay_on_core(core);
        for (std::uint64_t i = 0; i < rounds; ++i) {
            there.sleep();
            there.wake(here);
        }
    });
    for (std::uint64_t i = 0; i < rounds; ++i) {
        here.wake(there);
        here.sleep();
    }
    other.join();
    const double spent = features::processor_time(CLOCK_PROCESS_CPUTIME_ID) - before;
    bench::report("processor_time", "ns", spent / static_cast<double>(2 * rounds));
}
