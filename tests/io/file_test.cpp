// tests/io/file_test.cpp: files, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <cstdio>
#include <cstring>
#include <numeric>

#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using fs::open_mode;

/// A path in a folder of its own, which goes with the test.
class files : public io_test {
protected:
    files() {
        char name[] = "/tmp/weft-file-test-XXXXXX";
        folder_ = ::mkdtemp(name);
        path_ = folder_ + "/file";
    }
    ~files() override {
        std::remove(path_.c_str());
        ::rmdir(folder_.c_str());
    }
    std::string folder_;
    std::string path_;
};

TEST_F(files, what_was_written_is_read) {
    block_on(fs::write_all_text(path_, "first line\n"));
    block_on(fs::append_all_text(path_, "second line\n"));
    EXPECT_EQ(block_on(fs::read_all_text(path_)), "first line\nsecond line\n");
    block_on(fs::write_all_text(path_, "replaced"));
    EXPECT_EQ(block_on(fs::read_all_text(path_)), "replaced");
    EXPECT_EQ(block_on(fs::read_all_bytes(path_)).size(), 8U);
}

TEST_F(files, a_missing_file_is_an_error_that_names_it) {
    try {
        static_cast<void>(block_on(fs::read_all_text(path_)));
        FAIL() << "there is no such file";
    } catch (const io_error& error) {
        EXPECT_EQ(std::string(error.what()), "open '" + path_ + "' failed: no such file or directory (ENOENT)");
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
}

TEST_F(files, a_mode_without_read_and_write_is_refused) {
    EXPECT_THROW(static_cast<void>(block_on(fs::file::open(path_, open_mode::create))), std::invalid_argument);
}

task<> at_offsets(std::string path) {
    fs::file both = co_await fs::file::open(path, open_mode::read | open_mode::write | open_mode::create);
    const std::string_view text = "0123456789";
    co_await both.write_at(0, std::as_bytes(std::span(text)));
    co_await both.write_at(20, std::as_bytes(std::span(text)));
    const std::uint64_t size = co_await both.size();
    EXPECT_EQ(size, 30U);
    std::array<std::byte, 4> buffer{};
    const std::size_t got = co_await both.read_at(26, buffer);
    EXPECT_EQ(got, 4U);
    EXPECT_EQ(buffer[3], std::byte{'9'});
    const std::size_t behind = co_await both.read_at(30, buffer);
    EXPECT_EQ(behind, 0U);
    // The position has not moved.
    const std::size_t first = co_await both.read(buffer);
    EXPECT_EQ(first, 4U);
    EXPECT_EQ(buffer[0], std::byte{'0'});
    co_await both.sync();
    co_await both.sync(true);
    EXPECT_EQ(both.path(), path);
    co_await both.close();
    EXPECT_FALSE(both.is_open());
    const std::string closed = co_await failure_of(task<std::size_t>(both.read(buffer)));
    EXPECT_EQ(closed, "'file' has been disposed");
}

TEST_F(files, offsets_and_the_position_are_independent) { block_on(at_offsets(path_)); }

TEST_F(files, a_large_file_goes_through_whole) {
    std::vector<std::byte> data(16 << 20);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 31 >> 3);
    block_on(fs::write_all_bytes(path_, data));
    EXPECT_EQ(block_on(fs::read_all_bytes(path_)), data);
}

TEST_F(files, a_file_that_does_not_tell_its_size_is_read_to_the_end) {
    EXPECT_GT(block_on(fs::read_all_text("/proc/self/status")).size(), 100U);
    EXPECT_EQ(block_on(fs::read_all_text("/dev/null")), "");
}

TEST_F(files, a_cancelled_token_opens_nothing) {
    cancellation_source source;
    source.cancel();
    EXPECT_THROW(static_cast<void>(block_on(fs::read_all_text("/proc/self/status", source.token()))), operation_canceled);
}

// An open that was cancelled while the kernel was at it must not leave its descriptor behind: the fixture counts.
task<> open_and_cancel(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        task<fs::file> opening = fs::file::open("/proc/self/status", open_mode::read, source.token());
        source.cancel();
        try {
            fs::file opened = co_await std::move(opening);
            EXPECT_TRUE(opened.is_open());
        } catch (const operation_canceled&) {}
    }
}

TEST_F(files, a_cancelled_open_leaks_no_descriptor) { block_on(open_and_cancel(scaled(2000))); }

}  // namespace
