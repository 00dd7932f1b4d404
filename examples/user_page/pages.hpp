#pragma once
// user_page/pages.hpp: the pages of the app, each written three times: blocking, awaiting one thing after the other, and awaiting
// all at once. This is the file to read first, with pages.cpp.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>

#include <weft/data/database.hpp>
#include <weft/http/client.hpp>
#include <weft/http/router.hpp>
#include <weft/runtime.hpp>
#include <weft/task.hpp>

#include "observation.hpp"
#include "plain_http.hpp"
#include "user_data.hpp"

namespace user_page {

/// The app's pages and what they load from.
///
/// Threads   every page may run on many threads at once.
/// Lifetime  must outlive the server that serves routes().
class pages {
public:
    /// @param folder         where the profiles are
    /// @param services_port  where the services listen on 127.0.0.1
    /// @param counters       what to count in; must outlive this
    pages(weft::data::database users, std::string folder, std::uint16_t services_port, app_counters& counters);

    [[nodiscard]] weft::http::router routes();

private:
    using request = weft::http::request;
    using response = weft::http::response;

    // "Products, widgets, gizmos": three slow calls and nothing else.
    response pwg_sync();
    weft::task<response> pwg_async();
    weft::task<response> pwg_parallel();

    // A user's page: a database row, a file and three slow calls.
    response user_sync(request& asked);
    weft::task<response> user_async(request& asked);
    weft::task<response> user_parallel(request& asked);

    // One call: what a thousand of them need.
    response wait_sync();
    weft::task<response> wait_async();

    // What the driver asks the app about itself.
    response trace();
    response clear_trace();
    response stats();

    std::string call_blocking(std::uint64_t number, const std::string& path);
    weft::task<std::string> call(std::uint64_t number, std::string path);

    weft::data::database users_;
    std::string folder_;
    blocking_client blocking_;
    weft::http::client services_;
    app_counters& counters_;
    call_trace trace_;
};

}  // namespace user_page
