// How fast does a TLS server send back what it gets? Asio on its io_uring back end, otherwise the same program.
// SPDX-License-Identifier: MIT

#define BOOST_ASIO_HAS_IO_URING 1
#define BOOST_ASIO_DISABLE_EPOLL 1

#include "io/tls_echo/asio.cpp"
