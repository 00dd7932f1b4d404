#pragma once
// src/testing_io/simulation.hpp: the simulated driver: what happens to a record from submit() to its answer.
//
//   submit    the operation stands in its descriptor's line (sockets) or begins to take its time (files)
//   serve     the first of a line that could go on gets a moment, now, at which it is delivered
//   deliver   it is carried out and answered; unless something took away meanwhile what it waited for
//   cancel    gets a moment as well: whichever of the two the scheduler picks first decides
//
// SPDX-License-Identifier: MIT

#include <limits>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "testing_io/descriptor.hpp"
#include "testing_io/moment.hpp"
#include "testing_io/network.hpp"
#include "weft/io/io_driver.hpp"
#include "weft/testing_io/chooser.hpp"

namespace weft::inline WEFT_ABI::testing {

/// How long something takes.
struct span_of_time {
    std::chrono::nanoseconds least{0};
    std::chrono::nanoseconds most{0};
};

/// What goes wrong; see simulated_faults.
struct fault_plan {
    struct planned {
        io_kind kind;
        int error;
        std::size_t count;   // so often at once,
        std::size_t one_in;  // or now and then
    };
    bool short_reads = false;
    bool short_writes = false;
    bool torn_writes = false;
    std::size_t left = std::numeric_limits<std::size_t>::max();  // how often something may still go wrong by choice
    std::vector<planned> errors;
};

/// One operation in flight.
struct request {
    request(simulation& in, io_operation& of, descriptor* about, node_state& on);

    simulation* world;
    io_operation* operation;
    descriptor* where;  // null: none (open, resolve, nop)
    node_state* node;
    unsigned incarnation;
    moment delivery;
    moment cancellation;
    std::list<request>::iterator position;
};

class simulation final : public io_driver {
public:
    simulation(dispatcher& home, chooser& choices);
    ~simulation() override;

    /// stop(), and goes as soon as no descriptor is open and nobody can have it cancel anything.
    void retire() noexcept;

    // ---- io_driver. Nobody polls: moments are timers of the dispatcher's clock.
    [[nodiscard]] std::string_view name() const noexcept override { return "simulated"; }
    void start(driver_host&) override {}
    void poll(unsigned, time_point) noexcept override {}
    bool harvest(unsigned, bool) noexcept override { return false; }
    void wake(unsigned) noexcept override {}
    void monitor_tick() noexcept override {}
    [[nodiscard]] bool has_operations() const noexcept override { return !in_flight_.empty(); }
    void cancel_all() noexcept override;
    void stop() noexcept override;

    [[nodiscard]] bool try_now(io_operation& operation) noexcept override;
    [[nodiscard]] bool submit(io_operation& operation) noexcept override;
    void cancel(io_operation& operation) noexcept override;
    void abandon(io_operation& operation) noexcept override;
    [[nodiscard]] int open_socket(bool v6) noexcept override;
    [[nodiscard]] int open_datagram_socket(bool v6) noexcept override;
    [[nodiscard]] int open_local_socket() noexcept override;
    [[nodiscard]] int peek(int fd) noexcept override;
    [[nodiscard]] int receive_ready(int fd, mmsghdr* into, unsigned count) noexcept override;
    [[nodiscard]] int send_ready(int fd, mmsghdr* from, unsigned count) noexcept override;
    [[nodiscard]] std::int64_t send_file(int socket, int file, std::uint64_t offset, std::size_t count) noexcept override;
    int shed_connection(int listener) noexcept override;
    [[nodiscard]] int set_option(int fd, int level, int option, const void* value, std::uint32_t size) noexcept override;
    [[nodiscard]] int bind(int fd, const void* address, std::uint32_t size) noexcept override;
    [[nodiscard]] int listen(int fd, int backlog) noexcept override;
    int shutdown(int fd, int how) noexcept override;
    [[nodiscard]] int name_of(int fd, bool peer, void* address, std::uint32_t& size) noexcept override;
    [[nodiscard]] int open_watch() noexcept override { return -ENOSYS; }
    int remove_watch(int, int) noexcept override { return -EBADF; }
    void close_now(int fd) noexcept override;

    // ---- for the parts of the world
    [[nodiscard]] time_provider* const& clock() const noexcept { return clock_; }
    [[nodiscard]] time_point now() const noexcept { return clock_ == nullptr ? time_point() : clock_->now(); }
    std::size_t choose(const char* kind, std::size_t options);
    /// As choose(), of what is worse than it might be: 0 without asking when so much has gone wrong as may.
    std::size_t choose_fault(const char* kind, std::size_t options);
    /// Whether what goes wrong once in `one_in` times does now. 0: never; 1: always.
    [[nodiscard]] bool goes_wrong(const char* kind, std::size_t one_in);
    [[nodiscard]] std::chrono::nanoseconds duration(const char* kind, const span_of_time& range);
    [[nodiscard]] std::size_t shorten_read(std::size_t count);
    [[nodiscard]] std::size_t shorten_write(std::size_t count);
    /// Lets the first operations of both lines go on if they can.
    void serve(descriptor& which) noexcept;
    [[nodiscard]] descriptor* find(int fd) const noexcept;
    /// @returns the lowest free number
    [[nodiscard]] int install(std::unique_ptr<descriptor> made);

    // ---- for the test's handles
    [[nodiscard]] node_state& node(std::string_view called);
    [[nodiscard]] node_state& first_node() noexcept { return *nodes_.front(); }
    [[nodiscard]] std::vector<std::unique_ptr<node_state>>& nodes() noexcept { return nodes_; }
    void crash(node_state& which);
    void restart(node_state& which);
    [[nodiscard]] network& net() noexcept { return network_; }
    [[nodiscard]] std::size_t operations() const noexcept { return in_flight_.size(); }
    [[nodiscard]] std::size_t open_descriptors() const noexcept { return descriptors_.size(); }
    fault_plan faults;
    span_of_time disk_latency;
    std::map<std::string, std::vector<net::endpoint>, std::less<>> hosts;

private:
    friend struct request;
    /// The node the calling flow runs on. @returns null when it was started before the node's last crash
    [[nodiscard]] node_state* current_node() noexcept;
    [[nodiscard]] std::deque<request*>& line_of(const io_operation& operation, descriptor& where) const noexcept;
    [[nodiscard]] bool is_ready(const io_operation& operation, const descriptor& where) const noexcept;
    [[nodiscard]] int strike(io_kind kind);
    [[nodiscard]] int perform(io_operation& operation, descriptor* where, node_state& on);
    [[nodiscard]] int open_file(io_operation& operation, node_state& on);
    [[nodiscard]] int call_on_path(io_operation& operation, node_state& on);
    [[nodiscard]] int resolve(name_request& question, node_state& on);
    void deliver(request& which) noexcept;
    void finish(request& which, int result) noexcept;
    void forget_request(request& which) noexcept;

    dispatcher* home_;
    chooser* choices_;
    time_provider* clock_;
    bool stopped_ = false;
    bool retired_ = false;
    bool kept_ = false;             // somebody without a descriptor may still ask to cancel
    std::list<request> in_flight_;  // oldest first
    std::unordered_map<const io_operation*, request*> by_operation_;  // looked up, never walked
    std::vector<std::unique_ptr<node_state>> nodes_;
    network network_;
    std::map<int, std::unique_ptr<descriptor>> descriptors_;
};

/// Where a flow of control runs.
struct place {
    const simulation* world;
    unsigned node;
    unsigned incarnation;
};
/// The calling flow's; world null: nowhere.
[[nodiscard]] place current_place() noexcept;
void set_current_place(const place& where);

}  // namespace weft::inline WEFT_ABI::testing
