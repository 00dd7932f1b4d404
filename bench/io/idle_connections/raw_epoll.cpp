// What does a connection cost that waits? The limit of epoll: the loop of tcp_echo, which keeps nothing for a connection.
// SPDX-License-Identifier: MIT

#include "io/tcp_echo/raw_epoll.cpp"
