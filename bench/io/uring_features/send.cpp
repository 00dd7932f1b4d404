// Sending large messages over the loopback, with one feature: feature=send|zero_copy. The next message is sent when the buffer of the
// last one may be written to again. Processor time of the process, so of the receiver too, for one message.
// SPDX-License-Identifier: MIT

#include <stdexcept>
#include <thread>
#include <vector>

#include "io/uring_features/features.hpp"

namespace {

class sender {
public:
    sender(std::string_view feature, int connection, std::size_t size)
        : zero_copy_(feature == "zero_copy"), connection_(connection), bytes_(size, 'x') {}

    void send() {
        io_uring_sqe* entry = ring_.entry();
        constexpr int flags = MSG_NOSIGNAL | MSG_WAITALL;
        if (zero_copy_) io_uring_prep_send_zc(entry, connection_, bytes_.data(), bytes_.size(), flags, 0);
        else io_uring_prep_send(entry, connection_, bytes_.data(), bytes_.size(), flags);
        for (bool over = false; !over;) {
            ring_.serve([this, &over](const io_uring_cqe& answer) {
                if ((answer.flags & IORING_CQE_F_NOTIF) == 0 &&
                    bench::answered(answer.res, "send") != static_cast<int>(bytes_.size())) {
                    throw std::runtime_error("a short send");
                }
                if ((answer.flags & IORING_CQE_F_MORE) == 0) over = true;
            });
        }
    }

private:
    bool zero_copy_;
    int connection_;
    std::vector<char> bytes_;
    features::driver_ring ring_;
};

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    std::uint16_t port = 0;
    const int listener = bench::listen_on(port, 0, false);
    const int receiving = bench::connect_to(SOCK_STREAM, port);
    const int sending = features::accept_from(listener);
    features::stay_on_core(1);
    const std::size_t size = arguments.number("size", 65'536);
    const std::uint64_t messages = arguments.number("operations", 8'000);
    std::thread receiver([receiving, size, messages] {
        features::stay_on_core(0);
        std::vector<char> bytes(262'144);
        for (std::uint64_t left = (messages + messages / 10) * size; left != 0;) {
            const ssize_t got = ::recv(receiving, bytes.data(), bytes.size(), 0);
            if (got <= 0) return;
            left -= static_cast<std::uint64_t>(got);
        }
    });
    sender sends(arguments.text("feature", "send"), sending, size);
    for (std::uint64_t i = 0; i < messages / 10; ++i) sends.send();
    const double before = features::processor_time(CLOCK_PROCESS_CPUTIME_ID);
    for (std::uint64_t i = 0; i < messages; ++i) sends.send();
    receiver.join();
    const double spent = features::processor_time(CLOCK_PROCESS_CPUTIME_ID) - before;
    bench::report("processor_time", "ns", spent / static_cast<double>(messages));
}
