// tests/conformance/backends_test.cpp: how a case gets its driver, and the records it works with.
// SPDX-License-Identifier: MIT

#include "backends.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/net/socket_state.hpp"
#include "io/uring/uring_driver.hpp"
#include "support/eventually.hpp"
#include "support/scale.hpp"
#include "weft/scheduling/block_on.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace weft_test {

using namespace weft;

namespace {

constexpr int seeds = 24;

int open_descriptors() {
    int count = 0;
    DIR* folder = ::opendir("/proc/self/fd");
    while (::readdir(folder) != nullptr) ++count;
    ::closedir(folder);
    return count;
}

/// WEFT_SCHEDULES: for a night's run.
int schedules() {
    const char* text = std::getenv("WEFT_SCHEDULES");
    return text == nullptr ? scaled(seeds) : std::atoi(text);
}

void run_simulated(const std::function<task<>(stage&)>& body) {
    using namespace std::chrono_literals;
    for (int seed = 0; seed < schedules() && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        weft::testing::deterministic_scheduler world(static_cast<std::uint64_t>(seed));
        weft::testing::simulated_io io(world);
        // A fast network, a slow one, and one on which everything comes in pieces.
        if (seed % 3 == 1) io.network().latency(1us, 30ms);
        if (seed % 3 == 1) io.faults().disk_latency(1us, 10ms);
        io.faults().short_reads(seed % 3 == 2);
        io.faults().short_writes(seed % 3 == 2);
        stage on{io.driver(), "/tmp", &io};
        try {
            world.run(body(on));
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
        world.run_until_idle();
        EXPECT_EQ(io.operations(), 0U);
        EXPECT_EQ(io.open_descriptors(), 0U);
        EXPECT_EQ(io.network().connections(), 0U);
    }
}

void run_on_kernel(const char* driver, const std::function<task<>(stage&)>& body) {
    runtime_options options;
    options.driver = driver;
    options.min_threads = 2;
    runtime where(options);
    auto& io = dynamic_cast<io_driver&>(where.io_driver());
    std::string folder = std::filesystem::temp_directory_path() / "weft-conformance-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    stage on{io, folder};
    const int before = open_descriptors();
    block_on(where, [&] { return body(on); });
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before && !io.has_operations(); }))
        << open_descriptors() - before << " descriptors were left open";
    std::filesystem::remove_all(folder);
}

}  // namespace

std::string name_of(backend which) {
    switch (which) {
        case backend::simulated: return "simulated";
        case backend::epoll: return "epoll";
        case backend::io_uring: return "io_uring";
    }
    return "?";
}

void run_on(backend which, const std::function<task<>(stage&)>& body) {
    if (which == backend::simulated) {
        run_simulated(body);
        return;
    }
    if (which == backend::io_uring) {
        static const std::string refused = weft::detail::probe_io_uring();
        if (!refused.empty()) GTEST_SKIP() << "no io_uring here: " << refused;
    }
    run_on_kernel(name_of(which).c_str(), body);
}

INSTANTIATE_TEST_SUITE_P(io, drivers, ::testing::Values(backend::simulated, backend::epoll, backend::io_uring),
    [](const ::testing::TestParamInfo<backend>& of) { return name_of(of.param); });

// ---- records

pending::pending(stage& on, io_kind what, int of, const void* data, std::size_t size, std::uint64_t at, std::uint32_t with)
    : io_operation(what, &answered), driver_(&on.driver) {
    fd = of;
    buffer = const_cast<void*>(data);
    length = static_cast<std::uint32_t>(size);
    offset = at;
    flags = with;
    if (!driver_->submit(*this)) answer_.set_result(result_now());
}

void pending::answered(io_operation& operation) noexcept {
    auto& self = static_cast<pending&>(operation);
    self.answer_.set_result(self.result_now());
}

task<int> perform(
    stage& on, io_kind what, int of, const void* data, std::size_t size, std::uint64_t at, std::uint32_t with) {
    pending record(on, what, of, data, size, at, with);
    co_return co_await record.result();
}

task<int> receive(stage& on, int fd, char* buffer, std::size_t size) {
    return perform(on, io_kind::recv, fd, buffer, size);
}
task<int> send(stage& on, int fd, std::string_view text) {
    return perform(on, io_kind::send, fd, text.data(), text.size());
}
task<int> ready(stage& on, int fd, std::uint32_t events) {
    return perform(on, io_kind::poll, fd, nullptr, 0, io_operation::no_offset, events);
}

task<std::string> receive_all(stage& on, int fd) {
    std::string all;
    std::vector<char> buffer(64 * 1024);
    for (;;) {
        const int count = co_await receive(on, fd, buffer.data(), buffer.size());
        if (count == 0) break;
        if (count < 0) {
            all += count == -ECONNRESET ? "!ECONNRESET" : "!" + std::to_string(-count);
            break;
        }
        all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    co_return all;
}

task<int> send_all(stage& on, int fd, std::string_view text) {
    while (!text.empty()) {
        const int count = co_await send(on, fd, text);
        if (count <= 0) co_return count;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    co_return 0;
}

// ---- sockets

int listening(stage& on, net::endpoint& where, int backlog) {
    const int fd = on.driver.open_socket(false);
    EXPECT_GE(fd, 0);
    weft::detail::socket_address address(net::endpoint::loopback_v4());
    EXPECT_EQ(on.driver.bind(fd, address.data(), address.size()), 0);
    EXPECT_EQ(on.driver.listen(fd, backlog), 0);
    where = name_of(on, fd, false);
    return fd;
}

task<int> connect(stage& on, int fd, net::endpoint to) {
    weft::detail::socket_address address(to);
    co_return co_await perform(on, io_kind::connect, fd, address.data(), address.size());
}

net::endpoint name_of(stage& on, int fd, bool peer) {
    using weft::detail::socket_address;
    const socket_address known(on.driver, fd, peer ? socket_address::side::peer : socket_address::side::local);
    return known.is_known() ? known.to_endpoint() : net::endpoint();
}

void reset_on_close(stage& on, int fd) {
    const linger value{1, 0};
    EXPECT_EQ(on.driver.set_option(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value), 0);
}

task<two_ends> connected(stage& on) {
    net::endpoint where;
    const int listener = listening(on, where);
    pending accepting(on, io_kind::accept, listener);
    const int client = on.driver.open_socket(false);
    const int failed = co_await connect(on, client, where);
    EXPECT_EQ(failed, 0);
    const int server = co_await accepting.result();
    EXPECT_GE(server, 0);
    on.driver.close_now(listener);
    co_return two_ends{client, server};
}

void close_both(stage& on, two_ends which) {
    on.driver.close_now(which.client);
    on.driver.close_now(which.server);
}

::testing::AssertionResult one_of(int value, std::initializer_list<int> allowed) {
    if (std::ranges::find(allowed, value) != allowed.end()) return ::testing::AssertionSuccess();
    auto result = ::testing::AssertionFailure();
    result << "the answer is " << value;
    if (value < 0) result << " (" << std::generic_category().message(-value) << ")";
    return result;
}

}  // namespace weft_test
