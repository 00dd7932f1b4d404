#pragma once
// bench/support/warm_file.hpp: what the file questions share — a file that is in the page cache, and what reading it took.
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "support/harness.hpp"

namespace bench {

/// A file of `bytes` in $TMPDIR, or else /var/tmp (a disk's, where /tmp may be memory). Each block begins with its own number. It has
/// no name any more, so it is gone with the process however that ends; path() opens it through /proc.
class warm_file {
public:
    warm_file(std::uint64_t bytes, std::uint64_t block) : blocks_(block < sizeof(std::uint64_t) ? 0 : bytes / block) {
        if (blocks_ == 0)
            throw std::invalid_argument(
                "a file needs a block of 8 bytes at least: and one block at least: see file_bytes= and block=");
        const char* folder = std::getenv("TMPDIR");
        name_ = std::string(folder != nullptr ? folder : "/var/tmp") + "/weft_bench_XXXXXX";
        descriptor_ = ::mkstemp(name_.data());
        if (descriptor_ < 0) fail("make");
        ::unlink(name_.c_str());
        std::vector<char> content(block, 'x');
        for (std::uint64_t i = 0; i < blocks_; ++i) {
            std::memcpy(content.data(), &i, sizeof i);
            if (::write(descriptor_, content.data(), block) != static_cast<ssize_t>(block)) {
                if (errno == 0) errno = ENOSPC;
                fail("fill");
            }
        }
    }

    warm_file(const warm_file&) = delete;
    warm_file& operator=(const warm_file&) = delete;
    ~warm_file() { ::close(descriptor_); }

    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }

private:
    [[noreturn]] void fail(const char* what) const {
        throw std::system_error(errno, std::generic_category(), std::string(what) + " '" + name_ + "' (TMPDIR says where)");
    }

    std::string name_;
    std::uint64_t blocks_;
    int descriptor_ = -1;
};

/// The blocks a reader asks for: anywhere in the file, the same for every subject.
class random_blocks {
public:
    random_blocks(std::uint64_t reader, std::uint64_t blocks) : state_(reader * 2 + 1), blocks_(blocks) {}
    [[nodiscard]] std::uint64_t next() {
        state_ = state_ * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
        return (state_ >> 33) % blocks_;
    }

private:
    std::uint64_t state_;
    std::uint64_t blocks_;
};

/// Ends the program when a read brought another block, or not the whole one.
inline void check_block(std::uint64_t block, std::size_t read, std::span<const std::byte> content) {
    std::uint64_t found = 0;
    if (read == content.size()) std::memcpy(&found, content.data(), sizeof found);
    if (read == content.size() && found == block) return;
    std::fprintf(stderr, "reading block %llu brought %zu bytes of block %llu\n", static_cast<unsigned long long>(block),
        read, static_cast<unsigned long long>(found));
    std::_Exit(1);
}

/// Time, and processor time of the whole process with the kernel's threads in it, since it was made.
class read_watch {
public:
    void report(std::uint64_t reads) const {
        const double processor = (cpu_seconds() - processor_) * 1e9 / static_cast<double>(reads);
        const cost each = watch_.each(reads);
        bench::report("read_cpu", "ns", processor);
        bench::report("reads", "1/s", 1e9 / each.nanoseconds);
        report_allocations("allocations", each);
    }

private:
    double processor_ = cpu_seconds();
    stopwatch watch_;
};

/// The numbers of a question about reads.
struct read_plan {
    std::uint64_t file_bytes = 0;
    std::uint64_t block = 0;  ///< bytes a read
    std::uint64_t depth = 0;  ///< reads under way at once
    std::uint64_t reads = 0;
    std::uint64_t repetitions = 0;

    /// Those of the command line, these where it says nothing. @throws std::invalid_argument  for a number that cannot be
    [[nodiscard]] read_plan with(const arguments& given) const {
        const auto positive = [&](const char* name, std::uint64_t fallback) {
            const std::uint64_t number = given.number(name, fallback);
            if (number == 0) throw std::invalid_argument(std::string(name) + "= wants a number above 0");
            return number;
        };
        read_plan chosen{positive("file_bytes", file_bytes), positive("block", block), positive("depth", depth),
            positive("reads", reads), positive("repetitions", repetitions)};
        if (chosen.depth > 4096) throw std::invalid_argument("depth= is at most 4096");
        chosen.reads -= chosen.reads % chosen.depth;  // the same for each reader
        if (chosen.reads == 0) throw std::invalid_argument("reads= wants as many as depth= at least");
        return chosen;
    }

    /// Runs `repetition(print)` once to warm up and then as often as wanted.
    template <class F>
    void repeat(F repetition) const {
        for (std::uint64_t r = 0; r <= repetitions; ++r) repetition(r > 0);
    }
};

/// Makes the file and runs `body(file, plan)`. @returns the exit status
template <class F>
int run_reads(int argc, char** argv, const read_plan& defaults, F body) {
    try {
        const read_plan plan = defaults.with(arguments(argc, argv));
        const warm_file file(plan.file_bytes, plan.block);
        body(file, plan);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        return 1;
    }
    return 0;
}

}  // namespace bench
