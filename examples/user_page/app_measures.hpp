#pragma once
// user_page/app_measures.hpp: what the driver measures of the app, from outside: each configuration in a process of its own.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "json.hpp"
#include "observation.hpp"
#include "plain_http.hpp"
#include "process.hpp"

namespace user_page {

/// The services and the users' data, which every configuration of the app uses.
class demo_world {
public:
    /// Starts the services and makes the data. @throws setup_error
    demo_world();

    [[nodiscard]] std::uint16_t services_port() const noexcept { return services_port_; }
    [[nodiscard]] const std::string& folder() const noexcept { return scratch_.path(); }

private:
    scratch_folder scratch_;
    child services_;
    std::uint16_t services_port_;
};

/// An app process. Ends with its owner.
class running_app {
public:
    /// @param options  further options of user_page_app
    explicit running_app(const demo_world& world, std::vector<std::string> options = {});

    [[nodiscard]] pid_t process() const noexcept { return process_.id(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] app_counters& counters() const noexcept { return *counters_; }
    [[nodiscard]] blocking_client& client() noexcept { return client_; }

private:
    std::string counters_path_;
    shared_counters counters_;
    child process_;
    std::uint16_t port_;
    blocking_client client_;
};

/// {sync_ms, async_ms, parallel_ms} of `prefix` + way, one request at a time.
[[nodiscard]] json measure_page(running_app& app, const std::string& prefix);
/// The slowest of the three calls of the PWG page, asked for directly.
[[nodiscard]] double measure_slowest_call(const demo_world& world);
/// The name of the app's I/O driver.
[[nodiscard]] std::string ask_io_driver(running_app& app);

/// Three requests at once to a pool of one worker: {sync, async, parallel}.{threads, io_in_flight_max, calls}.
[[nodiscard]] json measure_lanes(const demo_world& world);

/// A thousand requests in flight on /wait/WAY: {threads_max, requests_per_second, p50_ms, p99_ms, rss_mib, failures}.
/// @param max_threads  of the app's pool; 0: its default
[[nodiscard]] json measure_load(const demo_world& world, const std::string& way, std::size_t max_threads,
    std::chrono::milliseconds warm_up, std::chrono::milliseconds measured);

/// Twenty requests at once to a server of five threads: {p99_ms, queued_max}. Queued is a request whose handler has not begun
/// 25 ms after it was sent.
[[nodiscard]] json measure_five_threads(const demo_world& world, const std::string& way);

}  // namespace user_page
