// tests/io/resolver_test.cpp: look-ups against a name server of the test's own; nothing here asks the real network.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fake_name_server.hpp"
#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/resolver.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::resolve_errc;
using net::resolver;
using namespace std::chrono_literals;

std::map<std::string, zone_entry> the_zone() {
    std::map<std::string, zone_entry> zone;
    zone["both.test"].v4 = {"192.0.2.1", "192.0.2.2"};
    zone["both.test"].v6 = {"2001:db8::1"};
    zone["half.test"] = zone["both.test"];
    zone["half.test"].silent_asks = 1;
    zone["four.test"].v4 = {"192.0.2.4"};
    zone["six.test"].v6 = {"2001:db8::6"};
    zone["empty.test"] = {};
    zone["broken.test"].code = fake_name_server::failure;
    zone["silent.test"].silent = true;
    zone["long.test"].v4 = {"192.0.2.9"};
    zone["long.test"].truncated = true;
    zone["forged.test"].v4 = {"192.0.2.10"};
    zone["forged.test"].forged = true;
    zone["www.test"].v4 = {"192.0.2.11"};
    zone["www.test"].alias = "host.elsewhere.test";
    zone["brief.test"].v4 = {"192.0.2.12"};
    zone["brief.test"].ttl = 10;
    zone["never-kept.test"].v4 = {"192.0.2.13"};
    zone["never-kept.test"].ttl = 0;
    zone["db.inside.test"].v4 = {"192.0.2.14"};
    zone["db"].v4 = {"192.0.2.15"};
    zone["a.b"].v4 = {"192.0.2.16"};
    zone["a.b.inside.test"].v4 = {"192.0.2.17"};
    zone["7.2.0.192.in-addr.arpa"].pointer = "seven.test";
    return zone;
}

class resolvers : public io_test {
protected:
    resolvers() : server_(the_zone()), servers_{server_.endpoint()} {
        options_.servers = servers_;
        options_.timeout = 2000ms;
        options_.tries = 2;
    }
    [[nodiscard]] static std::vector<std::string> ask(const resolver& whom, std::string name) {
        const std::vector<endpoint> found = block_on(whom.resolve(std::move(name), 80));
        std::vector<std::string> texts;
        for (const endpoint& each : found) {
            EXPECT_EQ(each.port(), 80);
            texts.push_back(each.address());
        }
        std::ranges::sort(texts);
        return texts;
    }
    /// The code of the error it ends with; 0: none.
    [[nodiscard]] static int error_of(task<std::vector<endpoint>> asking) {
        try {
            static_cast<void>(block_on(std::move(asking)));
            return 0;
        } catch (const io_error& error) {
            EXPECT_STREQ(error.code().category().name(), "resolver");
            return error.code().value();
        }
    }
    static int code(resolve_errc error) { return static_cast<int>(error); }

    fake_name_server server_;
    std::vector<endpoint> servers_;
    net::resolver_options options_;
};

using texts = std::vector<std::string>;

TEST_F(resolvers, find_addresses_of_both_families) {
    const resolver ours(options_);
    EXPECT_EQ(ask(ours, "both.test"), (texts{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
    EXPECT_EQ(ask(ours, "four.test"), texts{"192.0.2.4"});
    EXPECT_EQ(ask(ours, "six.test"), texts{"2001:db8::6"});
    EXPECT_EQ(ask(ours, "www.test"), texts{"192.0.2.11"}) << "through an alias";
}

TEST_F(resolvers, one_family_may_be_enough) {
    options_.family = net::address_family::v6;
    const resolver ours(options_);
    EXPECT_EQ(ask(ours, "both.test"), texts{"2001:db8::1"});
    EXPECT_EQ(error_of(ours.resolve("four.test", 80)), code(resolve_errc::no_address));
    EXPECT_EQ(ask(ours, "localhost"), texts{"::1"});
}

TEST_F(resolvers, unsorted_answers_keep_the_servers_order) {
    options_.sorted = false;
    options_.family = net::address_family::v4;
    const resolver ours(options_);
    const std::vector<endpoint> found = block_on(ours.resolve("both.test", 1));
    EXPECT_EQ(found, (std::vector<endpoint>{endpoint("192.0.2.1", 1), endpoint("192.0.2.2", 1)}));
}

TEST_F(resolvers, say_what_went_wrong) {
    options_.timeout = 20ms;
    const resolver ours(options_);
    EXPECT_EQ(error_of(ours.resolve("missing.test", 80)), code(resolve_errc::not_found));
    EXPECT_EQ(error_of(ours.resolve("empty.test", 80)), code(resolve_errc::no_address));
    EXPECT_EQ(error_of(ours.resolve("silent.test", 80)), code(resolve_errc::timed_out));
    const int broken = error_of(ours.resolve("broken.test", 80));
    EXPECT_TRUE(broken == code(resolve_errc::no_server) || broken == code(resolve_errc::server_failed)) << broken;
    EXPECT_EQ(error_of(ours.resolve("", 80)), code(resolve_errc::bad_name));
    EXPECT_EQ(error_of(ours.resolve(std::string(300, 'x') + ".test", 80)), code(resolve_errc::bad_name));
    EXPECT_EQ(block_on(failure_of(ours.resolve("silent.test", 80))),
        "resolve 'silent.test' failed: no name server answered in time (resolver -1001)");
}

TEST_F(resolvers, a_server_that_is_not_there_is_passed_over) {
    // Nobody listens on the first one's port.
    endpoint nobody;
    {
        const fake_name_server gone({});
        nobody = gone.endpoint();
    }
    servers_ = {nobody, server_.endpoint()};
    options_.servers = servers_;
    options_.timeout = 50ms;
    EXPECT_EQ(ask(resolver(options_), "four.test"), texts{"192.0.2.4"});
    servers_ = {nobody};
    options_.servers = servers_;
    options_.timeout = 20ms;
    const resolver alone(options_);
    EXPECT_EQ(error_of(alone.resolve("four.test", 80)), code(resolve_errc::no_server));
}

TEST_F(resolvers, a_truncated_answer_is_asked_for_again_by_tcp) {
    EXPECT_EQ(ask(resolver(options_), "long.test"), texts{"192.0.2.9"});
    EXPECT_GT(server_.by_tcp(), 0);
}

TEST_F(resolvers, an_answer_to_another_question_is_not_taken) {
    EXPECT_EQ(ask(resolver(options_), "forged.test"), texts{"192.0.2.10"});
}

TEST_F(resolvers, some_names_ask_nobody) {
    const resolver ours(options_);
    EXPECT_EQ(ask(ours, "localhost"), (texts{"127.0.0.1", "::1"}));
    EXPECT_EQ(ask(ours, "Deep.LocalHost."), (texts{"127.0.0.1", "::1"}));
    EXPECT_EQ(ask(ours, "192.0.2.77"), texts{"192.0.2.77"});
    EXPECT_EQ(ask(ours, "2001:db8::77"), texts{"2001:db8::77"});
    EXPECT_EQ(error_of(ours.resolve("what.invalid", 80)), code(resolve_errc::not_found));
    EXPECT_EQ(ours.statistics().asked, 0U);
}

/// A name of the hosts file that is not under localhost, with its address; empty: it has none.
std::pair<std::string, std::string> name_in_hosts_file() {
    std::ifstream file("/etc/hosts");
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string address;
        std::string name;
        words >> address;
        while (words >> name) {
            const bool plain = name.find("localhost") == std::string::npos && name.find("ip6-") == std::string::npos;
            if (plain && endpoint::try_from_address(address, 0)) return {name, endpoint(address, 0).address()};
        }
    }
    return {};
}

TEST_F(resolvers, the_hosts_file_is_asked_first) {
    const auto [name, address] = name_in_hosts_file();
    if (name.empty()) GTEST_SKIP() << "/etc/hosts names nothing but localhost";
    const resolver ours(options_);
    const std::vector<std::string> found = ask(ours, name);
    EXPECT_NE(std::ranges::find(found, address), found.end()) << name;
    EXPECT_EQ(server_.questions(name), 0);
    EXPECT_EQ(ours.statistics().kept, 0U) << "the file may change at any time";
}

TEST_F(resolvers, short_names_are_tried_in_the_search_domains) {
    const std::string_view domains[] = {"nowhere.test", "inside.test"};
    options_.search = domains;
    options_.ndots = 1;
    const resolver ours(options_);
    EXPECT_EQ(ask(ours, "db"), texts{"192.0.2.14"});
    EXPECT_GT(server_.questions("db.nowhere.test"), 0);
    EXPECT_EQ(ask(ours, "a.b"), texts{"192.0.2.16"}) << "dots enough to be tried as it is";
    EXPECT_EQ(ask(ours, "db."), texts{"192.0.2.15"}) << "a dot at the end: as it is";
    options_.ndots = 2;
    EXPECT_EQ(ask(resolver(options_), "a.b"), texts{"192.0.2.17"});
}

TEST_F(resolvers, search_and_ndots_come_from_the_configuration) {
    const std::string file = ::testing::TempDir() + "weft_resolv_" + std::to_string(::getpid()) + ".conf";
    std::ofstream(file) << "search inside.test\noptions ndots:2\n";
    options_.configuration = file;
    const resolver ours(options_);
    EXPECT_EQ(ask(ours, "a.b"), texts{"192.0.2.17"});
    // A machine that changes its network gets another file.
    std::ofstream(file) << "search nowhere.test\noptions ndots:1\n# changed\n";
    EXPECT_EQ(error_of(ours.resolve("db", 80)) == 0 ? ask(ours, "db") : texts{}, texts{"192.0.2.15"});
    std::remove(file.c_str());
}

TEST_F(resolvers, a_name_is_found_by_address) {
    const resolver ours(options_);
    EXPECT_EQ(block_on(ours.name_of(endpoint("192.0.2.7", 80))), "seven.test");
    EXPECT_EQ(
        block_on(failure_of(ours.name_of(endpoint("192.0.2.8", 80)))).rfind("find the name of '192.0.2.8' failed: ", 0),
        0U);
}

TEST_F(resolvers, the_system_can_be_asked_instead) {
    options_.through = net::resolve_through::system;
    const resolver ours(options_);
    EXPECT_EQ(ask(ours, "192.0.2.77"), texts{"192.0.2.77"});
    EXPECT_FALSE(block_on(ours.name_of(endpoint::loopback_v4())).empty());
    EXPECT_EQ(server_.questions("four.test"), 0);
}

// ---- the cache

/// A runtime whose time stands still.
struct still_runtime {
    weft::testing::fake_time_provider clock;
    std::optional<runtime> where;
    still_runtime() {
        runtime_options options;
        options.clock = &clock;
        where.emplace(options);
    }
};

TEST_F(resolvers, answers_are_kept_for_their_time_to_live) {
    still_runtime still;
    std::optional<resolver> ours;
    const auto ask_once = [&](const char* name) {
        return block_on(*still.where, [&, name]() -> task<int> {
            if (!ours) ours.emplace(options_);
            task<std::vector<endpoint>> asking = ours->resolve(name, 1);
            try {
                static_cast<void>(co_await std::move(asking));
            } catch (const io_error& error) {
                co_return error.code().value();
            }
            co_return server_.questions(name);
        });
    };
    const int once = ask_once("brief.test");
    EXPECT_EQ(ask_once("brief.test"), once);
    EXPECT_EQ(ask_once("BRIEF.test"), 0) << "upper and lower case are one name";
    still.clock.advance(9s);
    EXPECT_EQ(ask_once("brief.test"), once);
    still.clock.advance(2s);
    EXPECT_EQ(ask_once("brief.test"), 2 * once);
    EXPECT_EQ(ask_once("never-kept.test"), once);
    EXPECT_EQ(ask_once("never-kept.test"), 2 * once) << "a time to live of 0";

    EXPECT_EQ(ask_once("missing.test"), code(resolve_errc::not_found));
    const int missed = server_.questions("missing.test");
    EXPECT_EQ(ask_once("missing.test"), code(resolve_errc::not_found));
    EXPECT_EQ(server_.questions("missing.test"), missed);
    still.clock.advance(6s);
    EXPECT_EQ(ask_once("missing.test"), code(resolve_errc::not_found));
    EXPECT_EQ(server_.questions("missing.test"), 2 * missed) << "that it is missing is forgotten after negative_ttl";

    ours->clear_cache();
    EXPECT_EQ(ours->statistics().kept, 0U);
    EXPECT_EQ(ask_once("brief.test"), 3 * once);
    ours.reset();
}

TEST_F(resolvers, the_cache_is_bounded_and_can_be_off) {
    options_.cache_size = 2;
    const resolver small(options_);
    for (const char* name : {"four.test", "six.test", "both.test", "four.test"}) static_cast<void>(ask(small, name));
    EXPECT_EQ(small.statistics().kept, 2U);
    EXPECT_EQ(small.statistics().asked, 4U);
    static_cast<void>(ask(small, "both.test"));
    EXPECT_EQ(small.statistics().cached, 1U);
    options_.cache_size = 0;
    const resolver none(options_);
    static_cast<void>(ask(none, "four.test"));
    static_cast<void>(ask(none, "four.test"));
    EXPECT_EQ(none.statistics().asked, 2U);
}

// ---- many at once, and giving up

task<> ask_together(const resolver& ours) {
    std::vector<task<std::vector<endpoint>>> asking;
    for (int i = 0; i < 50; ++i) asking.push_back(ours.resolve("four.test", static_cast<std::uint16_t>(i)));
    for (std::uint16_t i = 0; i < 50; ++i) {
        const std::vector<endpoint> found = co_await std::move(asking[i]);
        EXPECT_EQ(found, std::vector<endpoint>{endpoint("192.0.2.4", i)});
    }
}

TEST_F(resolvers, equal_questions_at_once_are_asked_once) {
    options_.cache_size = 0;
    options_.family = net::address_family::v4;
    const resolver ours(options_);
    block_on(ask_together(ours));
    const net::resolver_statistics known = ours.statistics();
    EXPECT_EQ(known.asked + known.shared, 50U);
    EXPECT_EQ(static_cast<std::uint64_t>(server_.questions("four.test")), known.asked);
}

TEST_F(resolvers, many_different_questions_at_once_are_answered) {
    std::map<std::string, zone_entry> zone;
    for (int i = 0; i < 200; ++i) zone["n" + std::to_string(i) + ".test"].v4 = {"192.0.2." + std::to_string(i)};
    const fake_name_server big(zone);
    servers_ = {big.endpoint()};
    options_.servers = servers_;
    const resolver ours(options_);
    std::vector<task<std::vector<endpoint>>> asking;
    for (int i = 0; i < 200; ++i) asking.push_back(ours.resolve("n" + std::to_string(i) + ".test", 1));
    for (int i = 0; i < 200; ++i) {
        const std::vector<endpoint> found = block_on(std::move(asking[static_cast<std::size_t>(i)]));
        EXPECT_EQ(found, std::vector<endpoint>{endpoint("192.0.2." + std::to_string(i), 1)});
    }
}

/// IPv4 has been answered, IPv6 has not, when the only one who asked gives up.
task<> cancel_half_answered(const resolver& ours, const fake_name_server& server) {
    cancellation_source source;
    task<std::vector<endpoint>> waiting = ours.resolve("half.test", 80, source.token());
    EXPECT_TRUE(eventually([&] { return server.questions("half.test") >= 2; }));
    co_await delay(20ms);  // for the answer to arrive
    source.cancel();
    const std::string ended = co_await failure_of(std::move(waiting));
    EXPECT_NE(ended, "");
    const std::vector<endpoint> whole = co_await ours.resolve("half.test", 80);
    EXPECT_EQ(whole.size(), 3U) << "the half that had come was kept";
}

TEST_F(resolvers, half_an_answer_is_not_kept_when_nobody_waits_for_the_rest) {
    const resolver ours(options_);
    block_on(cancel_half_answered(ours, server_));
}

task<> cancel_one(const resolver& ours, const fake_name_server& server) {
    cancellation_source source;
    task<std::vector<endpoint>> waiting = ours.resolve("silent.test", 80, source.token());
    EXPECT_TRUE(eventually([&] { return server.questions("silent.test") > 0; }));
    EXPECT_FALSE(waiting.is_completed());
    source.cancel();
    bool canceled = false;
    try {
        static_cast<void>(co_await std::move(waiting));
    } catch (const operation_canceled& end) {
        canceled = end.token() == source.token();
    }
    EXPECT_TRUE(canceled);
}

TEST_F(resolvers, a_cancelled_look_up_ends_at_once_and_leaves_nothing) {
    options_.timeout = 60000ms;
    const resolver ours(options_);
    const auto before = std::chrono::steady_clock::now();
    block_on(cancel_one(ours, server_));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 20s);
    EXPECT_EQ(ask(ours, "four.test"), texts{"192.0.2.4"}) << "the resolver is as new";
}

task<> cancel_first_of_two(const resolver& ours) {
    cancellation_source source;
    task<std::vector<endpoint>> leaving = ours.resolve("both.test", 80, source.token());
    task<std::vector<endpoint>> staying = ours.resolve("both.test", 80);
    source.cancel();
    try {
        static_cast<void>(co_await std::move(leaving));
    } catch (const operation_canceled&) {
        // Or it was answered first.
    }
    const std::vector<endpoint> found = co_await std::move(staying);
    EXPECT_EQ(found.size(), 3U);
}

TEST_F(resolvers, who_leaves_a_shared_question_does_not_take_it_along) {
    options_.cache_size = 0;
    const resolver ours(options_);
    for (int round = 0; round < scaled(200); ++round) block_on(cancel_first_of_two(ours));
}

task<> cancel_at_some_moment(const resolver& ours, int moment) {
    cancellation_source source;
    task<std::vector<endpoint>> asked = ours.resolve("both.test", 80, source.token());
    for (int i = 0; i < moment; ++i) co_await yield();
    source.cancel();
    try {
        static_cast<void>(co_await std::move(asked));
    } catch (const operation_canceled&) {
        // As likely as an answer.
    }
}

TEST_F(resolvers, cancelling_at_any_moment_is_safe) {
    options_.cache_size = 0;
    const resolver ours(options_);
    for (int round = 0; round < scaled(2000); ++round) block_on(cancel_at_some_moment(ours, round % 40));
}

TEST_F(resolvers, the_object_may_go_before_its_answers) {
    std::optional<resolver> ours(options_);
    task<std::vector<endpoint>> asked = ours->resolve("four.test", 80);
    ours.reset();
    EXPECT_EQ(block_on(std::move(asked)).size(), 1U);
}

// ---- shutdown

TEST_F(resolvers, a_runtime_ends_with_questions_under_way) {
    options_.timeout = 60000ms;
    for (int round = 0; round < scaled(20); ++round) {
        runtime where;
        std::optional<resolver> ours;
        block_on(where, [&]() -> task<> {
            ours.emplace(options_);
            static_cast<void>(ours->resolve("silent.test", 80));
            static_cast<void>(ours->resolve("both.test", 80));
            co_await yield();
        });
        const shutdown_report report = where.shutdown(20ms);
        EXPECT_EQ(report.running_threads, 0U) << report.to_string();
        ours.reset();
    }
}

TEST_F(resolvers, each_runtime_has_one_of_its_own) {
    for (int round = 0; round < 5; ++round) {
        runtime where;
        const std::vector<endpoint> found =
            block_on(where, []() -> task<std::vector<endpoint>> { return net::resolve("localhost", 80); });
        EXPECT_FALSE(found.empty());
        where.shutdown(1s);
    }
}

TEST_F(resolvers, a_runtime_without_io_asks_the_system) {
    runtime_options options;
    options.driver = "parking";
    runtime where(options);
    const std::vector<endpoint> found =
        block_on(where, []() -> task<std::vector<endpoint>> { return net::resolve("localhost", 80); });
    EXPECT_FALSE(found.empty());
}

TEST_F(resolvers, options_out_of_range_are_refused) {
    options_.tries = -1;
    EXPECT_THROW(resolver{options_}, std::invalid_argument);
    options_.tries = 1;
    options_.ndots = 16;
    EXPECT_THROW(resolver{options_}, std::invalid_argument);
}

}  // namespace
