// src/io/net/accepting.cpp: see the header for what happens without descriptors.
// SPDX-License-Identifier: MIT

#include "io/net/accepting.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "weft/base/error.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/scheduling/delay.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_pause(100);
constexpr milliseconds patience(1000);  // of pauses, before connections are shed
constexpr int most_shed = 64;           // at each pause

/// Whether an accept failed for want of something that comes back by itself.
bool is_shortage(int error) noexcept { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }
/// Whether it failed because that one connection was gone already, or its network.
bool is_about_the_peer(int error) noexcept {
    return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN ||
        error == EHOSTUNREACH || error == ENETUNREACH || error == ENONET;
}

void report(const descriptor_state& listener, const io_error& problem) {
    constexpr std::int64_t never = -1;
    static std::atomic<std::int64_t> last{never};
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    std::int64_t before = last.load(std::memory_order_relaxed);
    if (before != never && now - before < 60) return;
    if (!last.compare_exchange_strong(before, now, std::memory_order_relaxed)) return;
    std::fprintf(
        stderr, "weft: %s; connections to '%s' wait until that is over\n", problem.what(), listener.name().c_str());
}

[[noreturn]] void fail_closed(const descriptor_state& listener) {
    throw operation_canceled(attempt_to_accept(listener) + " was canceled: it was closed meanwhile");
}

/// What goes on while accepts fail for want of a descriptor.
class shortage {
public:
    [[nodiscard]] milliseconds next_pause() noexcept {
        const milliseconds now = pause_;
        waited_ += now;
        pause_ = std::min(pause_ * 2, longest_pause);
        return now;
    }
    void shed(const descriptor_state& listener) const noexcept {
        if (waited_ < patience) return;
        for (int i = 0; i < most_shed && listener.driver().shed_connection(listener.fd()) == 0; ++i) {}
    }

private:
    milliseconds pause_{1};
    milliseconds waited_{0};
};

}  // namespace

task<int> accept_descriptor(descriptor_state& listener, cancellation_token token) {
    shortage lasting;
    for (;;) {
        try {
            io_request request(&listener, nullptr, 0, token);
            co_return co_await accept_operation(std::move(request)).configure_await(false);
        } catch (const io_error& problem) {
            const int error = problem.code().value();
            if (is_about_the_peer(error)) continue;
            if (!is_shortage(error)) throw;
            report(listener, problem);
        } catch (const object_disposed&) {
            // Closed between two attempts; it was open when this began.
            fail_closed(listener);
        }
        lasting.shed(listener);
        co_await delay(lasting.next_pause(), token).configure_await(false);
        if (listener.is_closing()) fail_closed(listener);
    }
}

}  // namespace weft::inline WEFT_ABI::detail
