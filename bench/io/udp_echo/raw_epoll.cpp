// How fast does a server send datagrams back? The limit of epoll: a bare loop that takes and answers what is there by two calls.
// SPDX-License-Identifier: MIT

#include <sys/epoll.h>

#include <vector>

#include "io/udp_echo/parameters.hpp"
#include "support/harness.hpp"
#include "support/sockets.hpp"

namespace {

constexpr unsigned batch = 64;

struct messages {
    explicit messages(std::size_t size) : heads(batch), parts(batch), peers(batch), bytes(batch * size) {
        for (std::size_t i = 0; i < batch; ++i) {
            parts[i] = {bytes.data() + i * size, size};
            heads[i].msg_hdr.msg_iov = &parts[i];
            heads[i].msg_hdr.msg_iovlen = 1;
            heads[i].msg_hdr.msg_name = &peers[i];
        }
    }

    std::vector<mmsghdr> heads;
    std::vector<iovec> parts;
    std::vector<sockaddr_in> peers;
    std::vector<char> bytes;
};

void echo(int descriptor, messages& all, std::size_t size) {
    for (std::size_t i = 0; i < batch; ++i) {
        all.heads[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
        all.parts[i].iov_len = size;
    }
    const int received = ::recvmmsg(descriptor, all.heads.data(), batch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < received; ++i) {
        const auto index = static_cast<std::size_t>(i);
        all.parts[index].iov_len = all.heads[index].msg_len;
    }
    for (int done = 0; done < received;) {
        const int sent = ::sendmmsg(descriptor, all.heads.data() + done, static_cast<unsigned>(received - done), 0);
        done += sent > 0 ? sent : 1;  // one that cannot be sent is lost
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    std::uint16_t port = 0;
    const int descriptor = bench::bind_on(SOCK_DGRAM, port);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    bench::called(::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "watch the socket");
    messages all(size);
    bench::ready(port);
    for (;;) {
        if (::epoll_wait(epoll, &event, 1, -1) == 1) echo(descriptor, all, size);
    }
}
