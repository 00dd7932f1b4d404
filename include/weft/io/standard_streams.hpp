#pragma once
// <weft/io/standard_streams.hpp>: the process's input, output and error as streams.
// Follows System.Console.OpenStandardInput and its like.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"
#include "weft/io/descriptor.hpp"

namespace weft::inline WEFT_ABI::io {

/// The descriptor 0 as a stream, whatever it is: a terminal, a pipe, a socket, a file, /dev/null.
///
/// Its flags stay as they are: other processes share them. A pipe or terminal is opened a second time, by /proc, with flags of its own;
/// where that is refused, the stream is careful, as descriptor tells. Each call makes a new stream, which owns a descriptor of its own;
/// to close it leaves 0 open. Nothing is buffered: what `std::cin` or `scanf` have read ahead does not come here.
/// @throws io_error  when it is not open
[[nodiscard]] descriptor standard_input();
/// The descriptor 1, likewise. A pipe's reader sees the end when this stream is closed and 1, too. Write there or by `printf`, not by both:
/// theirs comes when their buffer is flushed.
[[nodiscard]] descriptor standard_output();
/// The descriptor 2, likewise.
[[nodiscard]] descriptor standard_error();

}  // namespace weft::inline WEFT_ABI::io
