// What does a connection cost that waits? Asio on its io_uring back end, otherwise the same program.
// SPDX-License-Identifier: MIT

#define BOOST_ASIO_HAS_IO_URING 1
#define BOOST_ASIO_DISABLE_EPOLL 1

#include "io/idle_connections/asio.cpp"
