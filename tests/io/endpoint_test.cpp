// tests/io/endpoint_test.cpp: addresses as text and back, and names.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <stdexcept>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/resolver.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;

TEST(endpoint, text_goes_both_ways) {
    for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:8080", "[2001:db8::17]:65535", "255.255.255.255:1"}) {
        EXPECT_EQ(endpoint::parse(text).to_string(), text);
    }
    EXPECT_EQ(endpoint("::1", 7).to_string(), "[::1]:7");
    EXPECT_EQ(endpoint::loopback_v4(80), endpoint::parse("127.0.0.1:80"));
    EXPECT_EQ(endpoint::loopback_v6(80), endpoint::parse("[::1]:80"));
    EXPECT_EQ(endpoint::any_v6(1).to_string(), "[::]:1");
    EXPECT_LT(endpoint("10.0.0.1", 1), endpoint("10.0.0.2", 1));
}

TEST(endpoint, what_is_not_an_endpoint_is_refused_by_name) {
    for (const char* text : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
             "::1:80", "[::1]", "[127.0.0.1]:80", "localhost:80", "1.2.3:4"}) {
        try {
            static_cast<void>(endpoint::parse(text));
            ADD_FAILURE() << "'" << text << "' was taken for an endpoint";
        } catch (const std::invalid_argument& error) {
            EXPECT_NE(std::string(error.what()).find("'" + std::string(text) + "'"), std::string::npos) << error.what();
        }
    }
    EXPECT_THROW(endpoint("localhost", 80), std::invalid_argument);
}

TEST(resolver, an_address_is_its_own_answer) {
    EXPECT_EQ(block_on(net::resolve("127.0.0.1", 80)), std::vector<endpoint>{endpoint::loopback_v4(80)});
    EXPECT_EQ(block_on(net::resolve("::1", 80)), std::vector<endpoint>{endpoint::loopback_v6(80)});
}

TEST(resolver, names_under_localhost_are_this_machine_whatever_the_system_knows) {
    for (const char* name : {"weft.localhost", "a.b.LOCALHOST", "weft.localhost."}) {
        const std::vector<endpoint> found = block_on(net::resolve(name, 80));
        ASSERT_FALSE(found.empty()) << name;
        EXPECT_TRUE(found.front() == endpoint("127.0.0.1", 80) || found.front() == endpoint("::1", 80)) << name;
    }
    EXPECT_THROW(static_cast<void>(block_on(net::resolve("notlocalhost.invalid", 80))), io_error);
}

TEST(resolver, localhost_is_here) {
    const std::vector<endpoint> found = block_on(net::resolve("localhost", 80));
    EXPECT_TRUE(std::any_of(found.begin(), found.end(),
        [](const endpoint& each) { return each == endpoint::loopback_v4(80) || each == endpoint::loopback_v6(80); }));
}

TEST(resolver, a_name_that_does_not_exist_is_an_error_that_names_it) {
    const std::string text = block_on(failure_of(net::resolve("nowhere.invalid", 80)));
    EXPECT_EQ(text.rfind("resolve 'nowhere.invalid' failed: ", 0), 0U) << text;
}

}  // namespace
