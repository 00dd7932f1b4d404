// What does a connection cost that waits? The limit of io_uring: the loop of tcp_echo, whose connections share their buffers.
// SPDX-License-Identifier: MIT

#include "io/tcp_echo/raw_uring.cpp"
