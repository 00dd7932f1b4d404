// src/testing_io/simulation.cpp: see the header for the life of an operation.
// SPDX-License-Identifier: MIT

#include "testing_io/simulation.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>

#include "io/net/socket_state.hpp"
#include "testing_io/datagram.hpp"
#include "testing_io/file_handle.hpp"
#include "testing_io/socket.hpp"
#include "weft/base/assert.hpp"
#include "weft/base/error.hpp"
#include "weft/context/async_local.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

// Far above what a process gets, so that one that strays into a system call is refused there.
constexpr int first_descriptor = 1'000'000;
// A range of time is cut into so many steps, so that exploring it has an end.
constexpr std::size_t steps_of_time = 8;
constexpr std::size_t every_length_up_to = 8;

constinit async_local<place> flow_place;

bool waits_to_write(const io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::write:
        case io_kind::writev:
        case io_kind::send:
        case io_kind::sendmsg:
        case io_kind::connect: return true;
        case io_kind::poll: return (operation.flags & POLLIN) == 0;
        default: return false;
    }
}

/// Worlds that somebody without a descriptor may still ask to cancel: kept on purpose.
std::vector<std::unique_ptr<simulation>>& kept_worlds() {
    static auto* const worlds = new std::vector<std::unique_ptr<simulation>>();
    return *worlds;
}

}  // namespace

place current_place() noexcept {
    const place* known = flow_place.value();
    return known == nullptr ? place{nullptr, 0, 0} : *known;
}

void set_current_place(const place& where) { flow_place.set(where); }

request::request(simulation& in, io_operation& of, descriptor* about, node_state& on)
    : world(&in),
      operation(&of),
      where(about),
      node(&on),
      incarnation(on.incarnation),
      delivery(
          in.clock(),
          [](void* self) {
              auto& which = *static_cast<request*>(self);
              which.world->deliver(which);
          },
          this),
      cancellation(
          in.clock(),
          [](void* self) {
              auto& which = *static_cast<request*>(self);
              which.world->finish(which, -ECANCELED);
          },
          this) {}

simulation::simulation(dispatcher& home, chooser& choices)
    : home_(&home), choices_(&choices), clock_(&home.time()), network_(*this) {
    set_io_driver(home, this);
    static_cast<void>(node("local"));
}

simulation::~simulation() { stop(); }

void simulation::retire() noexcept {
    stop();
    retired_ = true;
    if (kept_) kept_worlds().emplace_back(this);
    else if (descriptors_.empty()) delete this;
}

void simulation::stop() noexcept {
    cancel_all();
    network_.stop();
    if (clock_ != nullptr) set_io_driver(*home_, nullptr);
    clock_ = nullptr;
}

void simulation::cancel_all() noexcept {
    stopped_ = true;
    while (!in_flight_.empty()) {
        request& oldest = in_flight_.front();
        if (oldest.where == nullptr) kept_ = true;
        finish(oldest, -ECANCELED);
    }
}

// ---- choices

std::size_t simulation::choose(const char* kind, std::size_t options) {
    return options <= 1 || stopped_ ? 0 : choices_->choose(kind, options);
}

std::size_t simulation::choose_fault(const char* kind, std::size_t options) {
    if (faults.left == 0) return 0;
    const std::size_t answer = choose(kind, options);
    if (answer != 0) --faults.left;
    return answer;
}

bool simulation::goes_wrong(const char* kind, std::size_t one_in) {
    if (one_in == 0 || stopped_ || faults.left == 0) return false;
    const bool does = one_in == 1 || choices_->chance(kind, one_in);
    if (does) --faults.left;
    return does;
}

std::chrono::nanoseconds simulation::duration(const char* kind, const span_of_time& range) {
    if (range.most <= range.least) return range.least;
    const auto step = static_cast<std::int64_t>(choose_fault(kind, steps_of_time));
    return range.least + (range.most - range.least) * step / static_cast<std::int64_t>(steps_of_time - 1);
}

namespace {
std::size_t shorten(simulation& world, const char* kind, std::size_t count) {
    if (count <= 1) return count;
    // Of a few bytes each number, so that an exhaustive search sees them all.
    if (count <= every_length_up_to) {
        const std::size_t some = world.choose_fault(kind, count);
        return some == 0 ? count : some;
    }
    switch (world.choose_fault(kind, 4)) {
        case 1: return 1;
        case 2: return count / 2;
        case 3: return count - 1;
        default: return count;
    }
}
}  // namespace

std::size_t simulation::shorten_read(std::size_t count) {
    return faults.short_reads ? shorten(*this, "io.read_count", count) : count;
}

std::size_t simulation::shorten_write(std::size_t count) {
    return faults.short_writes ? shorten(*this, "io.write_count", count) : count;
}

/// @returns the error that the operation ends with, or 0
int simulation::strike(io_kind kind) {
    for (fault_plan::planned& fault : faults.errors) {
        if (fault.kind != kind) continue;
        if (fault.count != 0) {
            --fault.count;
            return fault.error;
        }
        if (goes_wrong("io.fault", fault.one_in)) return fault.error;
    }
    return 0;
}

// ---- descriptors

descriptor* simulation::find(int fd) const noexcept {
    const auto found = descriptors_.find(fd);
    return found == descriptors_.end() ? nullptr : found->second.get();
}

int simulation::install(std::unique_ptr<descriptor> made) {
    int fd = first_descriptor;
    for (const auto& [taken, which] : descriptors_) {
        if (taken != fd) break;
        ++fd;
    }
    descriptors_.emplace(fd, std::move(made));
    return fd;
}

void simulation::close_now(int fd) noexcept {
    const auto found = descriptors_.find(fd);
    if (found == descriptors_.end()) return;
    WEFT_ASSERT(found->second->reading.empty() && found->second->writing.empty(),
        "a simulated descriptor is closed while operations wait for it");
    descriptors_.erase(found);
    if (retired_ && !kept_ && descriptors_.empty()) delete this;
}

// ---- an operation's life

std::deque<request*>& simulation::line_of(const io_operation& operation, descriptor& where) const noexcept {
    return waits_to_write(operation) ? where.writing : where.reading;
}

bool simulation::is_ready(const io_operation& operation, const descriptor& where) const noexcept {
    const bool forced = std::ranges::any_of(
        faults.errors, [&](const fault_plan::planned& fault) { return fault.kind == operation.kind && fault.count != 0; });
    return forced || where.is_lost() || where.is_ready(operation);
}

int simulation::perform(io_operation& operation, descriptor* where, node_state& on) {
    if (const int error = strike(operation.kind); error != 0) {
        if (auto* file = dynamic_cast<file_handle*>(where); file != nullptr && operation.kind == io_kind::sync)
            file->sync_failed(error);
        return -error;
    }
    switch (operation.kind) {
        case io_kind::nop: return 0;
        case io_kind::open: return open_file(operation, on);
        case io_kind::resolve: return resolve(*static_cast<name_request*>(operation.buffer), on);
        case io_kind::stat_path:
        case io_kind::read_link:
        case io_kind::rename:
        case io_kind::unlink:
        case io_kind::make_directory:
        case io_kind::link:
        case io_kind::symlink: return call_on_path(operation, on);
        default: return where->attempt(operation);
    }
}

bool simulation::try_now(io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::recv:
        case io_kind::send:
        case io_kind::recvmsg:
        case io_kind::sendmsg:
        case io_kind::accept: break;
        default: return false;
    }
    descriptor* where = stopped_ ? nullptr : find(operation.fd);
    if (where == nullptr || where->is_lost() || !line_of(operation, *where).empty() || !is_ready(operation, *where))
        return false;
    if (choices_->stops("io.at_once")) return false;
    const int result = perform(operation, where, where->node());
    if (result == -EAGAIN) return false;
    operation.result = result;
    return true;
}

bool simulation::submit(io_operation& operation) noexcept {
    if (operation.kind == io_kind::close) {
        operation.result = find(operation.fd) == nullptr ? -EBADF : -strike(io_kind::close);  // closed all the same
        close_now(operation.fd);
        return false;
    }
    operation.result = -ECANCELED;
    const std::uint8_t before = operation.state.fetch_or(io_operation::issued, std::memory_order_acq_rel);
    if (stopped_ || (before & io_operation::cancel_asked) != 0) return false;

    const bool about_descriptor = has_descriptor(operation.kind);
    descriptor* where = about_descriptor ? find(operation.fd) : nullptr;
    if (about_descriptor && where == nullptr) {
        operation.result = -EBADF;
        return false;
    }
    node_state* on = where != nullptr ? &where->node() : current_node();
    if (on == nullptr || (where != nullptr && where->is_lost())) return false;

    request& started = in_flight_.emplace_back(*this, operation, where, *on);
    started.position = std::prev(in_flight_.end());
    by_operation_.emplace(&operation, &started);
    if (where != nullptr && where->keeps_order()) {
        line_of(operation, *where).push_back(&started);
        where->begin(operation);
        serve(*where);
    } else {
        const bool disk = operation.kind != io_kind::nop && operation.kind != io_kind::resolve;
        started.delivery.at(now() + duration("disk.latency", disk ? disk_latency : span_of_time()));
    }
    return true;
}

void simulation::serve(descriptor& which) noexcept {
    for (std::deque<request*>* line : {&which.reading, &which.writing}) {
        if (line->empty()) continue;
        request& first = *line->front();
        if (!first.delivery.is_armed() && is_ready(*first.operation, which)) first.delivery.at(now());
    }
}

void simulation::deliver(request& which) noexcept {
    const bool lost = which.incarnation != which.node->incarnation || !which.node->up;
    const int result = lost ? -ECANCELED : perform(*which.operation, which.where, *which.node);
    // What it waited for is gone again; serve() will see it come back.
    if (result != -EAGAIN) finish(which, result);
}

void simulation::forget_request(request& which) noexcept {
    if (which.where != nullptr && which.where->keeps_order()) std::erase(line_of(*which.operation, *which.where), &which);
    by_operation_.erase(which.operation);
    in_flight_.erase(which.position);
}

void simulation::finish(request& which, int result) noexcept {
    io_operation& operation = *which.operation;
    descriptor* const where = which.where;
    forget_request(which);
    operation.result = result;
    operation.state.fetch_or(io_operation::answered, std::memory_order_acq_rel);
    if (where != nullptr && !stopped_) serve(*where);
    operation.complete(operation);
}

void simulation::cancel(io_operation& operation) noexcept {
    const std::uint8_t before = operation.state.fetch_or(io_operation::cancel_asked, std::memory_order_acq_rel);
    if ((before & io_operation::cancel_asked) != 0) return;
    const auto found = by_operation_.find(&operation);
    if (found != by_operation_.end()) found->second->cancellation.at(now());
}

void simulation::abandon(io_operation& operation) noexcept {
    const auto found = by_operation_.find(&operation);
    if (found == by_operation_.end()) return;
    descriptor* const where = found->second->where;
    forget_request(*found->second);
    if (where != nullptr && !stopped_) serve(*where);
}

// ---- files and names

int simulation::open_file(io_operation& operation, node_state& on) {
    file_system::found opened;
    const int flags = static_cast<int>(operation.flags);
    const int failed = on.files.open(static_cast<const char*>(operation.buffer), flags, operation.length, opened);
    if (failed != 0) return failed;
    return install(std::make_unique<file_handle>(*this, on, std::move(opened), flags));
}

int simulation::call_on_path(io_operation& operation, node_state& on) {
    const auto& asked = *static_cast<const path_request*>(operation.buffer);
    file_system& files = on.files;
    switch (operation.kind) {
        case io_kind::rename: return files.rename(asked.path, asked.target, operation.flags);
        case io_kind::unlink: return files.unlink(asked.path, (operation.flags & AT_REMOVEDIR) != 0);
        case io_kind::make_directory: return files.make_directory(asked.path, operation.length);
        case io_kind::link: return files.link(asked.path, asked.target);
        case io_kind::symlink: return files.symlink(asked.target, asked.path);
        default: break;
    }
    const bool stays = operation.kind == io_kind::read_link || (operation.flags & AT_SYMLINK_NOFOLLOW) != 0;
    const file_system::found at = files.look_up(asked.path, !stays);
    if (at.error != 0) return at.error;
    if (!at.is_there()) return -ENOENT;
    if (operation.kind == io_kind::stat_path) {
        describe(files, at, *static_cast<struct statx*>(asked.answer));
        return 0;
    }
    if (at.file == nullptr || !at.file->is_link) return -EINVAL;
    const std::size_t count = std::min<std::size_t>(at.file->contents.size(), operation.length);
    std::memcpy(asked.answer, at.file->contents.data(), count);
    return static_cast<int>(count);
}

int simulation::resolve(name_request& question, node_state& on) {
    const auto with_port = [&](const net::endpoint& at) {
        question.addresses.push_back(net::endpoint::from_bytes(at.is_v6(), at.bytes().data(), question.port, at.scope()));
    };
    question.error = 0;
    if (question.host == "localhost") {
        with_port(net::endpoint::loopback_v4());
    } else if (const auto known = hosts.find(question.host); known != hosts.end()) {
        for (const net::endpoint& each : known->second) with_port(each);
    } else if (question.host == on.name) {
        with_port(on.address);
    } else {
        for (const auto& each : nodes_) {
            if (each->name == question.host) with_port(each->address);
        }
        if (question.addresses.empty()) question.error = EAI_NONAME;
    }
    return 0;
}

// ---- sockets

namespace {
net::endpoint endpoint_of(const void* address) noexcept {
    net::endpoint result;
    static_cast<void>(weft::detail::endpoint_from(static_cast<const sockaddr*>(address), result));
    return result;
}
}  // namespace

int simulation::open_socket(bool) noexcept {
    node_state* on = stopped_ ? nullptr : current_node();
    if (on == nullptr) return -ECANCELED;
    return install(std::make_unique<socket_descriptor>(network_, *on));
}

int simulation::open_datagram_socket(bool) noexcept {
    node_state* on = stopped_ ? nullptr : current_node();
    if (on == nullptr) return -ECANCELED;
    return install(std::make_unique<datagram_descriptor>(network_, *on));
}

int simulation::open_local_socket() noexcept { return -EAFNOSUPPORT; }

int simulation::peek(int fd) noexcept {
    descriptor* which = find(fd);
    return which == nullptr ? -EBADF : which->peek();
}

// Each datagram goes alone, so that each has its own fate.
int simulation::receive_ready(int, mmsghdr*, unsigned) noexcept { return -EAGAIN; }
int simulation::send_ready(int, mmsghdr*, unsigned) noexcept { return -EAGAIN; }

std::int64_t simulation::send_file(int, int, std::uint64_t, std::size_t) noexcept { return -ENOSYS; }

int simulation::shed_connection(int) noexcept { return -EAGAIN; }

int simulation::set_option(int fd, int level, int option, const void* value, std::uint32_t size) noexcept {
    descriptor* which = find(fd);
    return which == nullptr ? -EBADF : which->set_option(level, option, value, size);
}

int simulation::bind(int fd, const void* address, std::uint32_t) noexcept {
    descriptor* which = find(fd);
    return which == nullptr ? -EBADF : which->bind(endpoint_of(address));
}

int simulation::listen(int fd, int backlog) noexcept {
    descriptor* which = find(fd);
    return which == nullptr ? -EBADF : which->listen(backlog);
}

int simulation::shutdown(int fd, int how) noexcept {
    descriptor* which = find(fd);
    return which == nullptr ? -EBADF : which->shutdown(how);
}

int simulation::name_of(int fd, bool peer, void* address, std::uint32_t& size) noexcept {
    descriptor* which = find(fd);
    net::endpoint known;
    const int result = which == nullptr ? -EBADF : which->name_of(peer, known);
    if (result != 0) return result;
    weft::detail::socket_address bytes(known);
    std::memcpy(address, bytes.data(), std::min<std::size_t>(size, bytes.size()));
    size = bytes.size();
    return 0;
}

// ---- nodes

node_state* simulation::current_node() noexcept {
    const place here = current_place();
    node_state& on = here.world == this ? *nodes_[here.node] : *nodes_.front();
    const bool lost = here.world == this && here.incarnation != on.incarnation;
    return lost || !on.up ? nullptr : &on;
}

node_state& simulation::node(std::string_view called) {
    for (const auto& each : nodes_) {
        if (each->name == called) return *each;
    }
    const auto index = static_cast<unsigned>(nodes_.size());
    // 10.0.0.0 is the one for tasks that run on no node of the test's.
    const std::uint8_t bytes[4]{10, 0, static_cast<std::uint8_t>(index >> 8), static_cast<std::uint8_t>(index)};
    nodes_.push_back(std::make_unique<node_state>(index, std::string(called), net::endpoint::from_bytes(false, bytes, 0)));
    return *nodes_.back();
}

void simulation::crash(node_state& which) {
    if (!which.up) return;
    which.up = false;
    which.files.crash(faults.torn_writes ? [this](const char* kind, std::size_t options) { return choose(kind, options); }
                                         : file_system::pick());
    network_.crashed(which);
    for (request& each : in_flight_) {
        if (each.node == &which) each.delivery.at(now());
    }
    which.stopping.cancel();
}

void simulation::restart(node_state& which) {
    if (which.up) return;
    ++which.incarnation;
    which.up = true;
    which.stopping = cancellation_source();
    network_.links_changed();
}

}  // namespace weft::inline WEFT_ABI::testing
