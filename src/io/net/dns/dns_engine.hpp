#pragma once
// src/io/net/dns/dns_engine.hpp: one c-ares channel, driven by the runtime's driver and timers.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ares.h>

#include "io/net/dns/answer_cache.hpp"
#include "io/net/dns/dns_socket.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/net/resolver.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {
class runtime;
}

namespace weft::inline WEFT_ABI::detail {

enum class question_kind : std::uint8_t { addresses, name };

/// One question to the outside, shared by all who ask it meanwhile.
struct dns_question {
    dns_engine& engine;
    question_kind kind;
    std::string text;         ///< a host in lower case, or an address
    std::size_t waiting = 0;  ///< askers that still wait
    dns_answer_ptr answer;
    task_completion_source<dns_answer_ptr> source{creation_options::run_continuations_asynchronously};

    dns_question(dns_engine& of, question_kind what, std::string about) : engine(of), kind(what), text(std::move(about)) {}
};
using dns_question_ptr = std::shared_ptr<dns_question>;

/// What resolver_options says, owned.
struct dns_settings {
    explicit dns_settings(const net::resolver_options& options);

    std::vector<net::endpoint> servers;
    std::vector<std::string> search;
    std::string configuration;
    std::chrono::milliseconds timeout;
    int tries;
    int ndots;
    std::size_t cache_size;
    std::chrono::seconds longest_ttl;
    std::chrono::seconds negative_ttl;
    net::resolve_through through;
    net::address_family family;
    bool sorted;
};

/// Held by its resolver, by those who ask, and by the tasks that wait for its sockets and its deadline: these exist only while a
/// question is under way, so an idle engine has no socket, no timer and no task.
///
/// Every call into c-ares, and so every call back from it, happens under the lock. What those call-backs find out (answers, new
/// interest in a socket) is only noted there, and acted upon after the lock is released: by round.
class dns_engine final : public std::enable_shared_from_this<dns_engine> {
public:
    /// @throws std::invalid_argument, invalid_operation
    explicit dns_engine(const net::resolver_options& options);
    ~dns_engine();
    dns_engine(const dns_engine&) = delete;
    dns_engine& operator=(const dns_engine&) = delete;

    [[nodiscard]] const dns_settings& settings() const noexcept { return settings_; }

    /// @param text  what is asked about, as dns_question has it
    [[nodiscard]] static task<dns_answer_ptr> ask(
        std::shared_ptr<dns_engine> self, question_kind kind, std::string text, cancellation_token token);

    void clear_cache() noexcept;
    [[nodiscard]] net::resolver_statistics statistics() const noexcept;

private:
    class round;
    class asker;
    friend class asker;

    void open_channel();
    void close_channel() noexcept;
    void reopen_if_configured_anew();
    void apply_servers();

    [[nodiscard]] dns_question_ptr join(question_kind kind, const std::string& text, dns_answer_ptr& known);
    void start(dns_question& asked);
    void leave(const dns_question_ptr& asked) noexcept;
    using questions = std::unordered_map<std::string, dns_question_ptr>;
    questions drop_all() noexcept;
    /// Ends all who wait with `error`, or as canceled.
    void give_up(std::exception_ptr error = nullptr) noexcept;
    template <class F>
    void guarded(F body) noexcept;
    void take_addresses(dns_question& asked, int status, int timeouts, const ares_addrinfo* found);
    void end(dns_question& asked, int status, dns_answer answer, std::chrono::seconds ttl);
    void note_interest(int fd, bool readable, bool writable);
    void process(int read_fd, int write_fd);
    [[nodiscard]] bool next_deadline(std::chrono::milliseconds& left) noexcept;

    static task<> serve(std::shared_ptr<dns_engine> self, dns_lease socket, dns_way way);
    static task<> keep_deadlines(std::shared_ptr<dns_engine> self);

    // What c-ares calls, under the lock.
    static void on_addresses(void* asked, int status, int timeouts, ares_addrinfo* found) noexcept;
    static void on_name(void* asked, int status, int timeouts, hostent* found) noexcept;
    static void on_interest(void* self, int fd, int readable, int writable) noexcept;
    static int close_socket(int fd, void* self) noexcept;
    static const ares_socket_functions socket_functions;

    const dns_settings settings_;
    runtime* home_;
    io_driver* driver_ = nullptr;

    mutable std::mutex mutex_;
    ares_channel channel_ = nullptr;
    std::int64_t configured_ = 0;  ///< when resolv.conf was last changed, as the channel knows it
    questions under_way_;
    std::unordered_map<int, dns_socket*> sockets_;
    answer_cache cache_;
    net::resolver_statistics statistics_;
    std::size_t waiting_ = 0;  ///< askers of all questions
    bool dropping_ = false;  ///< inside ares_cancel(), which may end a question with the half of it that has been answered
    // Notes of call-backs for the end of the round.
    bool no_memory_ = false;
    std::vector<dns_question_ptr> answered_;
    std::vector<std::pair<dns_lease, dns_way>> to_serve_;
    // The one task that waits for the next deadline.
    bool deadline_kept_ = false;
    time_point deadline_{};
    cancellation_source stop_deadline_;
};

}  // namespace weft::inline WEFT_ABI::detail
