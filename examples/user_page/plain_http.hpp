#pragma once
// user_page/plain_http.hpp: HTTP/1.1 over plain sockets, without Weft: the synchronous pages' client and the driver's instruments.
// What measures must not share its faults with what is measured; and a synchronous page is one that blocks in a system call.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace user_page {

/// Finds the end of a response in bytes that arrive piece by piece. Knows Content-Length, which is all that the two servers of
/// this example use.
struct response_end {
    bool complete = false;
    int status = 0;
    std::size_t body_at = 0;
    std::size_t size = 0;  ///< head and body
};
/// @throws std::runtime_error  if it is no response, or one without Content-Length
[[nodiscard]] response_end find_response_end(std::string_view received);

/// A client that blocks the calling thread; keeps its connections alive and uses them again.
///
/// Threads  every member may be called from any thread; each call has a connection of its own.
class blocking_client {
public:
    explicit blocking_client(std::uint16_t port) : port_(port) {}
    ~blocking_client();
    blocking_client(const blocking_client&) = delete;
    blocking_client& operator=(const blocking_client&) = delete;

    /// @returns the body
    /// @throws std::runtime_error  naming the path, if there is no connection, no answer, or a status other than 200
    std::string get(std::string_view path);

private:
    [[nodiscard]] int take_connection();
    std::string exchange(int connection, std::string_view path);

    std::uint16_t port_;
    std::mutex mutex_;
    std::vector<int> idle_;
};

/// A connected TCP socket to 127.0.0.1. @throws std::runtime_error  naming the port
[[nodiscard]] int connect_to(std::uint16_t port);

/// What a load found.
struct load_result {
    std::vector<double> latencies_ms;  ///< of the requests answered while it was measured
    double seconds = 0;                ///< how long that was
    std::size_t failures = 0;          ///< answers other than 200, and connections lost

    [[nodiscard]] double requests_per_second() const { return static_cast<double>(latencies_ms.size()) / seconds; }
};

/// Keeps `connections` requests in flight: each connection asks again as soon as it has its answer.
/// @param warm_up  how long before the measurement begins
load_result keep_in_flight(std::uint16_t port, std::string_view path, std::size_t connections,
    std::chrono::milliseconds warm_up, std::chrono::milliseconds measured);

/// Sends `count` requests at once, each on a connection of its own, and waits for all answers.
/// Calls `tick(context, since_sent_ms)` every millisecond or so.
load_result send_burst(std::uint16_t port, std::string_view path, std::size_t count,
    void (*tick)(void* context, double since_sent_ms) = nullptr, void* context = nullptr);

}  // namespace user_page
