// Uses the installed I/O: reads a file on whichever driver is chosen.
// SPDX-License-Identifier: MIT
#include <weft/fs/file_operations.hpp>
#include <weft/weft.hpp>

#include <string>

static weft::task<bool> reads_itself(std::string path) {
    const std::string text = co_await weft::fs::read_all_text(path);
    co_return !text.empty();
}

int main(int, char** arguments) { return weft::block_on(reads_itself(arguments[0])) ? 0 : 1; }
