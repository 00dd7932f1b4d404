// tests/io/process_test.cpp: what processes promise, on whichever driver WEFT_IO names; and where pidfd is refused.
// SPDX-License-Identifier: MIT

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.hpp"
#include "io/process/child_process.hpp"
#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/process.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using namespace std::chrono_literals;

process_start_info shell(std::string script) {
    std::vector<std::string> arguments{"-c", std::move(script)};
    return process_start_info("/bin/sh", std::move(arguments));
}

/// Children of ours, zombies among them.
bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// By pidfd, and by SIGCHLD.
class processes : public io_test, public ::testing::WithParamInterface<bool> {
protected:
    void SetUp() override {
        io_test::SetUp();
        detail::refuse_process_descriptors(GetParam());
    }
    void TearDown() override {
        EXPECT_TRUE(eventually([] { return !has_children(); })) << "a child was not reaped";
        detail::refuse_process_descriptors(false);
        io_test::TearDown();
    }
};
INSTANTIATE_TEST_SUITE_P(
    by, processes, ::testing::Bool(), [](const auto& what) { return what.param ? "SIGCHLD" : "pidfd"; });

task<> tell_how_they_end() {
    const process_result good = co_await process::run(shell("echo out; echo err >&2"));
    EXPECT_TRUE(good.status.succeeded());
    EXPECT_EQ(good.output, "out\n");
    EXPECT_EQ(good.error, "err\n");
    const process_result code = co_await process::run(shell("exit 7"));
    EXPECT_EQ(code.status.code, 7);
    EXPECT_EQ(code.status.to_string(), "exit code 7");
    const process_result signal = co_await process::run(shell("kill -TERM $$"));
    EXPECT_EQ(signal.status.signal, SIGTERM);
    EXPECT_FALSE(signal.status.succeeded());
}
TEST_P(processes, tell_how_they_end) { block_on(tell_how_they_end()); }

task<> wait_often() {
    const process child = process::start(shell("sleep 0.05; exit 3"));
    EXPECT_TRUE(child.is_running());
    const task<exit_status> first = child.wait();
    const task<exit_status> second = child.wait();
    const exit_status one = co_await first;
    const exit_status two = co_await second;
    const exit_status late = co_await child.wait();
    EXPECT_EQ(one.code, 3);
    EXPECT_EQ(one, two);
    EXPECT_EQ(one, late);
    EXPECT_FALSE(child.is_running());
    EXPECT_FALSE(child.kill());
}
TEST_P(processes, are_waited_for_by_many_and_afterwards) { block_on(wait_often()); }

task<> hundred(int count) {
    std::vector<task<process_result>> all;
    for (int i = 0; i < count; ++i) all.push_back(process::run(shell("echo " + std::to_string(i) + "; exit 5")));
    for (int i = 0; i < count; ++i) {
        const process_result result = co_await std::move(all[static_cast<std::size_t>(i)]);
        EXPECT_EQ(result.status.code, 5);
        EXPECT_EQ(result.output, std::to_string(i) + "\n");
    }
}
TEST_P(processes, run_a_hundred_at_once) { block_on(hundred(std::max(20, scaled(100)))); }

task<> big_both_ways() {
    std::string input(4'000'000, 'x');
    for (std::size_t i = 0; i < input.size(); i += 61) input[i] = '\n';
    const process_run_options options{.input = input};
    const process_result result = co_await process::run(shell("tee /dev/stderr"), options);
    EXPECT_TRUE(result.status.succeeded());
    EXPECT_TRUE(result.output == input);
    EXPECT_TRUE(result.error == input);
    // Who does not read is no reason to wait, or to fail.
    const process_result deaf = co_await process::run(shell("exec <&-; echo done"), options);
    EXPECT_EQ(deaf.output, "done\n");
}
TEST_P(processes, take_and_give_much_at_once) { block_on(big_both_ways()); }

task<> fail_to_start() {
    std::vector<std::string> none;
    const std::string missing = co_await failure_of(process::run("/no/such", none));
    EXPECT_EQ(missing, "start '/no/such' failed: no such file or directory (ENOENT)");
    const std::string lost = co_await failure_of(process::run("no-such-program-anywhere", none));
    // EACCES where PATH names a folder that is closed to us, as execvp(3) has it.
    EXPECT_TRUE(lost == "start 'no-such-program-anywhere' failed: no such file or directory (ENOENT)" ||
        lost == "start 'no-such-program-anywhere' failed: permission denied (EACCES)")
        << lost;
    const std::string refused = co_await failure_of(process::run("/etc/passwd", none));
    EXPECT_EQ(refused, "start '/etc/passwd' failed: permission denied (EACCES)");
    process_start_info elsewhere = shell("true");
    elsewhere.working_directory("/no/place");
    const std::string directory = co_await failure_of(process::run(elsewhere));
    EXPECT_EQ(directory, "start '/bin/sh' in '/no/place' failed: no such file or directory (ENOENT)");
    process_start_info input = shell("true");
    input.input(process_stream::file("/no/input"));
    const std::string file = co_await failure_of(process::run(input));
    EXPECT_EQ(file, "open '/no/input' failed: no such file or directory (ENOENT)");
}
TEST_P(processes, that_cannot_start_say_why) { block_on(fail_to_start()); }

task<> cancel_waiting() {
    cancellation_source source;
    const process left = process::start(shell("exec sleep 60"));
    task<exit_status> waiting = left.wait(source.token());
    process_start_info info = shell("exec sleep 60");
    info.kill_on_cancel();
    const process killed = process::start(info);
    task<exit_status> killing = killed.wait(source.token());
    task<process_result> running = process::run(shell("exec sleep 60"), {}, source.token());
    source.cancel();
    EXPECT_NE(co_await failure_of(std::move(waiting)), "");
    EXPECT_NE(co_await failure_of(std::move(killing)), "");
    EXPECT_NE(co_await failure_of(std::move(running)), "");
    EXPECT_FALSE(killed.is_running());
    EXPECT_TRUE(left.is_running());
    EXPECT_EQ(::kill(left.id(), 0), 0);
    EXPECT_TRUE(left.kill());
    const exit_status end = co_await left.wait();
    EXPECT_EQ(end.signal, SIGKILL);
    const std::string before = co_await failure_of(left.wait(source.token()));
    EXPECT_EQ(before, "");  // the end is known
}
TEST_P(processes, are_left_alone_or_killed_when_the_wait_is_cancelled) { block_on(cancel_waiting()); }

task<> terminate_them() {
    const process polite = process::start(shell("exec sleep 60"));
    const exit_status end = co_await polite.terminate(60s);
    EXPECT_EQ(end.signal, SIGTERM);
    process_start_info info = shell("trap '' TERM; echo ready; while :; do sleep 1; done");
    info.output(process_stream::pipe()).own_group();
    process deaf = process::start(info);
    std::array<char, 16> room{};
    static_cast<void>(co_await deaf.output().read(std::span<char>(room)));
    const exit_status killed = co_await deaf.terminate(20ms);
    EXPECT_EQ(killed.signal, SIGKILL);
    // Its group went with it: nobody has the pipe any more.
    std::size_t count = 1;
    while (count != 0) count = co_await deaf.output().read(std::span<char>(room));
}
TEST_P(processes, are_asked_to_end_and_then_made_to) { block_on(terminate_them()); }

task<> limited() {
    const process_run_options options{.output_limit = 100'000};
    const std::string why = co_await failure_of(process::run(shell("exec yes"), options));
    EXPECT_EQ(why, "collect at most 100000 bytes from '/bin/sh' failed: message too long (EMSGSIZE)");
}
TEST_P(processes, that_say_too_much_are_killed) { block_on(limited()); }

task<> see_only_their_descriptors() {
    // Not close-on-exec, as a careless library makes them.
    const int careless = ::open("/dev/null", O_RDONLY);
    process_start_info info = shell("ls /proc/$$/fd");
    const process_result plain = co_await process::run(info);
    EXPECT_EQ(plain.output, "0\n1\n2\n");
    info.descriptor(careless, 7).descriptor(STDERR_FILENO, 4);
    const process_result given = co_await process::run(info);
    EXPECT_EQ(given.output, "0\n1\n2\n4\n7\n");
    ::close(careless);
}
TEST_P(processes, get_no_descriptors_but_those_named) { block_on(see_only_their_descriptors()); }

task<> see_their_surroundings() {
    process_start_info info = shell("pwd; echo $WEFT_ONE; echo ${HOME-gone}; echo $WEFT_TWO");
    ::setenv("WEFT_TWO", "ours", 1);
    info.working_directory("/").environment("WEFT_ONE", "1").remove_environment("HOME");
    const process_result some = co_await process::run(info);
    EXPECT_EQ(some.output, "/\n1\ngone\nours\n");
    process_start_info bare("/usr/bin/env");
    bare.clear_environment().environment("ONLY", "this");
    const process_result only = co_await process::run(bare);
    EXPECT_EQ(only.output, "ONLY=this\n");
    ::unsetenv("WEFT_TWO");
    process_start_info merged = shell("echo a; echo b >&2; echo c");
    merged.error(process_stream::merged());
    const process_result one = co_await process::run(merged);
    EXPECT_EQ(one.output, "a\nb\nc\n");
    const std::string path = "/tmp/weft-process-" + std::to_string(::getpid());
    process_start_info to_file = shell("cat; cat /proc/$$/status | grep -c '^SigBlk:.*0000000000000000'");
    to_file.output(process_stream::file(path)).error(process_stream::null());
    const process_run_options options{.input = "first\n"};
    static_cast<void>(co_await process::run(to_file, options));
    to_file.output(process_stream::append(path)).input(process_stream::null());
    static_cast<void>(co_await process::run(to_file));
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), "first\n1\n1\n");
    ::unlink(path.c_str());
}
TEST_P(processes, see_what_they_were_given) { block_on(see_their_surroundings()); }

task<> talk() {
    process_start_info info("cat");
    info.input(process_stream::pipe()).output(process_stream::pipe());
    process child = process::start(info);
    io::buffered_reader in(child.output());
    for (int i = 0; i < 20; ++i) {
        const std::string text = std::to_string(i) + "\n";
        co_await child.input().write(text);
        const std::optional<std::string> line = co_await in.read_line();
        EXPECT_EQ(line.value_or("") + "\n", text);
    }
    co_await child.input().close();
    const exit_status end = co_await child.wait();
    EXPECT_TRUE(end.succeeded());
}
TEST_P(processes, are_talked_to) { block_on(talk()); }

task<> drop() {
    for (int i = 0; i < 10; ++i) {
        const process dropped = process::start(shell("exit 1"));
    }
    co_return;
}
TEST_P(processes, that_are_dropped_leave_no_zombies) { block_on(drop()); }

task<> left_running(int& id) {
    const process child = process::start(shell("exec sleep 60"));
    id = child.id();
    static_cast<void>(co_await child.wait());
}

task<> leave_running(int& id) {
    left_running(id).forget();
    co_return;
}

task<> drop_running(int& id) {
    const process child = process::start(shell("exec sleep 60"));
    id = child.id();
    co_return;
}

/// Until it is dead: only then does the next start reap it. @returns false when it does not die
bool kill_and_see_dead(int id) {
    if (::kill(id, SIGKILL) != 0) return false;
    return eventually([&] {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == id;
    });
}

TEST_P(processes, that_nobody_is_interested_in_do_not_hold_up_a_shutdown) {
    int id = 0;
    runtime where;
    block_on(where, &drop_running, std::ref(id));
    const shutdown_report report = where.shutdown(std::chrono::seconds(60));
    EXPECT_TRUE(report.drained) << report.to_string();
    EXPECT_TRUE(kill_and_see_dead(id));
    block_on(drop());  // and the next start reaps it
}

TEST_P(processes, outlive_a_runtime_and_are_reaped_by_the_next_start) {
    int id = 0;
    {
        runtime where;
        block_on(where, &leave_running, std::ref(id));
        const shutdown_report report = where.shutdown(std::chrono::milliseconds(50));
        EXPECT_FALSE(report.operations_left) << report.to_string();
    }
    EXPECT_TRUE(kill_and_see_dead(id));
    block_on(drop());
}

}  // namespace
