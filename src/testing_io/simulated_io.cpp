// src/testing_io/simulated_io.cpp: the handles a test holds.
// SPDX-License-Identifier: MIT

#include "weft/testing_io/simulated_io.hpp"

#include <stdexcept>

#include "io/substitute_driver.hpp"
#include "testing/scheduler_state.hpp"
#include "testing_io/simulation.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

class scheduler_chooser final : public chooser {
public:
    explicit scheduler_chooser(deterministic_scheduler& world) noexcept : world_(&world) {}
    std::size_t choose(const char* kind, std::size_t options) override { return world_->choose(kind, options); }
    bool chance(const char* kind, std::size_t one_in) override {
        return detail::scheduler_access::choose(*world_, kind, one_in, detail::choice_class::chance) == 1;
    }
    bool stops(const char* kind) override {
        return detail::scheduler_access::choose(*world_, kind, 2, detail::choice_class::detour) == 1;
    }

private:
    deterministic_scheduler* world_;
};

simulation* make_world(dispatcher& home, chooser& choices) {
    if (weft::detail::substitute_io_driver(home) != nullptr)
        throw invalid_operation("simulated_io: this scheduler has an I/O driver already");
    return std::make_unique<simulation>(home, choices).release();
}

span_of_time checked(std::chrono::nanoseconds least, std::chrono::nanoseconds most) {
    if (least < least.zero() || most < least)
        throw std::invalid_argument(
            "a latency is between two times, the first not negative and not longer than the second");
    return {least, most};
}

}  // namespace

// ---- simulated_io

simulated_io::simulated_io(deterministic_scheduler& world)
    : own_choices_(std::make_shared<scheduler_chooser>(world)),
      world_(make_world(world, *static_cast<scheduler_chooser*>(own_choices_.get()))) {}

simulated_io::simulated_io(dispatcher& home, chooser& choices) : world_(make_world(home, choices)) {}

simulated_io::~simulated_io() { world_->retire(); }

simulated_node simulated_io::node(std::string_view name) const { return simulated_node(*world_, world_->node(name)); }
simulated_node simulated_io::local() const noexcept { return simulated_node(*world_, world_->first_node()); }
simulated_network simulated_io::network() const noexcept { return simulated_network(*world_); }
simulated_faults simulated_io::faults() const noexcept { return simulated_faults(*world_); }
std::size_t simulated_io::operations() const noexcept { return world_->operations(); }
std::size_t simulated_io::open_descriptors() const noexcept { return world_->open_descriptors(); }
io_driver& simulated_io::driver() noexcept { return *world_; }
void simulated_io::stop() noexcept { world_->stop(); }

// ---- simulated_node

simulated_node::scope::scope(const simulated_node& node) : world_(current_place().world) {
    if (!node.is_up())
        throw invalid_operation(
            "simulated_node: '" + node.node_->name + "' has crashed; restart() it to run something there");
    const place before = current_place();
    node_ = before.node;
    incarnation_ = before.incarnation;
    set_current_place(place{node.world_, node.node_->index, node.node_->incarnation});
}

simulated_node::scope::~scope() { set_current_place(place{world_, node_, incarnation_}); }

std::string_view simulated_node::name() const noexcept { return node_->name; }
net::endpoint simulated_node::at(std::uint16_t port) const noexcept {
    return net::endpoint::from_bytes(false, node_->address.bytes().data(), port);
}
void simulated_node::crash() const { world_->crash(*node_); }
void simulated_node::restart() const { world_->restart(*node_); }
bool simulated_node::is_up() const noexcept { return node_->up; }
cancellation_token simulated_node::token() const { return node_->stopping.token(); }

// ---- simulated_files

void simulated_files::put(std::string_view path, std::string_view contents) const { node_->files.put(path, contents); }
std::optional<std::string> simulated_files::contents(std::string_view path) const {
    const std::shared_ptr<file_node> file = node_->files.find(path);
    return file == nullptr ? std::nullopt : std::optional(file->contents);
}
std::optional<std::string> simulated_files::synced_contents(std::string_view path) const {
    const file_pointer file = node_->files.find_on_disk(path);
    return file == nullptr ? std::nullopt : std::optional(file->synced);
}
bool simulated_files::exists(std::string_view path) const { return node_->files.find(path) != nullptr; }
bool simulated_files::remove(std::string_view path) const { return node_->files.remove(path); }
bool simulated_files::rename(std::string_view from, std::string_view to) const { return node_->files.rename_now(from, to); }
void simulated_files::make_directory(std::string_view path) const { node_->files.make_directories(path); }
std::vector<std::string> simulated_files::list() const { return node_->files.all(); }
void simulated_files::capacity(std::uint64_t bytes) const noexcept { node_->files.capacity(bytes); }

// ---- simulated_network

void simulated_network::latency(std::chrono::nanoseconds least, std::chrono::nanoseconds most) const {
    world_->net().latency(checked(least, most));
}
void simulated_network::latency(
    const simulated_node& a, const simulated_node& b, std::chrono::nanoseconds least, std::chrono::nanoseconds most) const {
    world_->net().latency(a.node_->index, b.node_->index, checked(least, most));
}
void simulated_network::loss(std::size_t one_in) const noexcept { world_->net().loss_one_in = one_in; }

void simulated_network::partition(const simulated_node& a, const simulated_node& b) const {
    world_->net().cut.insert({a.node_->index, b.node_->index});
    world_->net().cut.insert({b.node_->index, a.node_->index});
    world_->net().links_changed();
}
void simulated_network::isolate(const simulated_node& node) const {
    node.node_->isolated = true;
    world_->net().links_changed();
}
void simulated_network::heal(const simulated_node& a, const simulated_node& b) const {
    world_->net().cut.erase({a.node_->index, b.node_->index});
    world_->net().cut.erase({b.node_->index, a.node_->index});
    world_->net().links_changed();
}
void simulated_network::heal() const {
    world_->net().cut.clear();
    world_->net().held.clear();
    for (const auto& node : world_->nodes()) node->isolated = false;
    world_->net().links_changed();
}
void simulated_network::hold(const simulated_node& from, const simulated_node& to) const {
    world_->net().held.insert({from.node_->index, to.node_->index});
    world_->net().links_changed();
}
void simulated_network::release(const simulated_node& from, const simulated_node& to) const {
    world_->net().held.erase({from.node_->index, to.node_->index});
    world_->net().links_changed();
}

void simulated_network::datagram_loss(std::size_t one_in) const noexcept { world_->net().datagram_loss_one_in = one_in; }
void simulated_network::datagram_copies(std::size_t one_in) const noexcept { world_->net().datagram_copy_one_in = one_in; }

void simulated_network::resets(std::size_t one_in) const noexcept { world_->net().reset_one_in = one_in; }
void simulated_network::reset(const simulated_node& a, const simulated_node& b) const {
    world_->net().reset_between(a.node_, b.node_);
}
void simulated_network::reset_all() const { world_->net().reset_between(nullptr, nullptr); }

void simulated_network::buffer_size(std::size_t bytes) const {
    if (bytes == 0) throw std::invalid_argument("simulated_network::buffer_size: a connection needs room for a byte");
    world_->net().buffer = bytes;
}
void simulated_network::connect_timeout(std::chrono::nanoseconds limit) const noexcept {
    world_->net().connect_timeout = limit;
}
void simulated_network::give_up_after(std::chrono::nanoseconds limit) const noexcept { world_->net().patience = limit; }
void simulated_network::add_host(std::string_view name, const net::endpoint& address) const {
    world_->hosts[std::string(name)].push_back(address);
}
std::size_t simulated_network::connections() const noexcept { return world_->net().connections(); }

// ---- simulated_faults

void simulated_faults::short_reads(bool on) const noexcept { world_->faults.short_reads = on; }
void simulated_faults::short_writes(bool on) const noexcept { world_->faults.short_writes = on; }
void simulated_faults::torn_writes(bool on) const noexcept { world_->faults.torn_writes = on; }
void simulated_faults::fail_next(io_kind kind, int error, std::size_t count) const {
    if (count != 0) world_->faults.errors.push_back({kind, error, count, 0});
}
void simulated_faults::fail_one_in(io_kind kind, int error, std::size_t one_in) const {
    std::erase_if(world_->faults.errors,
        [&](const fault_plan::planned& known) { return known.kind == kind && known.error == error && known.one_in != 0; });
    if (one_in != 0) world_->faults.errors.push_back({kind, error, 0, one_in});
}
void simulated_faults::disk_latency(std::chrono::nanoseconds least, std::chrono::nanoseconds most) const {
    world_->disk_latency = checked(least, most);
}
void simulated_faults::at_most(std::size_t count) const noexcept { world_->faults.left = count; }
void simulated_faults::none() const noexcept { world_->faults = fault_plan(); }

}  // namespace weft::inline WEFT_ABI::testing
