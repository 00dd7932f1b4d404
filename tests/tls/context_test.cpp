// tests/tls/context_test.cpp: what contexts bring to a handshake: protocols, names, sessions, clients' certificates, reloading.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <thread>

#include <unistd.h>

#include "support.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::tls_context;
using net::tls_context_builder;
using net::tls_error;
using net::tls_stream;
using net::tls_version;

using tls_contexts = io_test;

task<tls_pair> meet(tls_context client, tls_context server, std::string host = "server.test") {
    task<tls_pair> meeting = shake_hands(std::move(client), std::move(server), std::move(host));
    tls_pair both = co_await std::move(meeting);
    co_await greet(both);
    co_return both;
}

// ---- protocols

task<std::string> agree(std::vector<std::string> offered, std::vector<std::string> known) {
    tls_context client = client_settings().alpn(std::move(offered)).build();
    tls_context server = server_settings().alpn(std::move(known)).build();
    task<tls_pair> meeting = meet(std::move(client), std::move(server));
    const tls_pair both = co_await std::move(meeting);
    EXPECT_EQ(both.client.alpn(), both.server.alpn());
    co_return both.client.alpn();
}

TEST_F(tls_contexts, the_server_chooses_the_protocol) {
    EXPECT_EQ(block_on(agree({"http/1.1", "h2"}, {"h2", "http/1.1"})), "h2");
    EXPECT_EQ(block_on(agree({"http/1.1"}, {"h2", "http/1.1"})), "http/1.1");
    EXPECT_EQ(block_on(agree({}, {"h2"})), "");
    EXPECT_EQ(block_on(agree({"h2"}, {})), "");
    const std::string none = block_on(failure_of(agree({"echo"}, {"h2"})));
    EXPECT_NE(none.find("no application protocol"), std::string::npos) << none;
    EXPECT_THROW(tls_context_builder::for_client().alpn({""}), std::invalid_argument);
}

// ---- names

task<std::string> subject_for(tls_context server, std::string host) {
    tls_context client = client_settings().verify_peer(false).build();
    task<tls_pair> meeting = meet(std::move(client), std::move(server), std::move(host));
    const tls_pair both = co_await std::move(meeting);
    co_return both.client.peer_certificate()->subject;
}

TEST_F(tls_contexts, a_server_shows_the_certificate_of_the_name_asked_for) {
    tls_context_builder settings = tls_context_builder::for_server();
    for (const auto& [subject, names] : {std::pair("first", "DNS:first.test"), std::pair("wild", "DNS:*.many.test"),
             std::pair("exact", "DNS:one.many.test"), std::pair("rsa", "DNS:rsa.test")}) {
        certificate_wish wish;
        wish.subject = subject;
        wish.names = names;
        wish.rsa = wish.subject == "rsa";
        const net::tls_identity made = the_authority().issue(wish);
        settings.certificate_pem(made.certificate, made.key);
    }
    const tls_context server = settings.build();
    EXPECT_EQ(block_on(subject_for(server, "first.test")), "CN=first");
    EXPECT_EQ(block_on(subject_for(server, "two.many.test")), "CN=wild");
    EXPECT_EQ(block_on(subject_for(server, "one.many.test")), "CN=exact") << "before the wildcard";
    EXPECT_EQ(block_on(subject_for(server, "rsa.test")), "CN=rsa") << "another kind of key";
    EXPECT_EQ(block_on(subject_for(server, "unknown.test")), "CN=first");
    EXPECT_EQ(block_on(subject_for(server, "127.0.0.1")), "CN=first") << "a number is not told to the server";
}

// ---- sessions

task<int> resumed_of(tls_context client, tls_context server, int rounds, std::string host = "server.test") {
    int resumed = 0;
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    for (int i = 0; i < rounds; ++i) {
        // One port, since sessions belong to a host and port.
        task<net::tcp_stream> accepted = listener.accept();
        net::tcp_stream far = co_await net::tcp_stream::connect(listener.local_endpoint());
        net::tcp_stream near = co_await std::move(accepted);
        task<tls_stream> accepting = tls_stream::accept(std::move(near), server);
        task<tls_stream> connecting = tls_stream::connect(std::move(far), client, host);
        tls_pair both;
        both.client = co_await std::move(connecting);
        both.server = co_await std::move(accepting);
        co_await greet(both);
        EXPECT_EQ(both.client.is_resumed(), both.server.is_resumed());
        resumed += both.client.is_resumed() ? 1 : 0;
        EXPECT_TRUE(both.client.peer_certificate().has_value()) << "also of a resumed session";
    }
    co_return resumed;
}

TEST_F(tls_contexts, sessions_are_resumed) {
    for (const tls_version newest : {tls_version::tls_1_2, tls_version::tls_1_3}) {
        const tls_context client = client_settings().versions(tls_version::tls_1_2, newest).build();
        const tls_context server = server_settings().build();
        EXPECT_EQ(block_on(resumed_of(client, server, 4)), 3);
        EXPECT_EQ(block_on(resumed_of(client, server, 1)), 0) << "another port";
    }
}

TEST_F(tls_contexts, resumption_can_be_off) {
    for (const tls_version newest : {tls_version::tls_1_2, tls_version::tls_1_3}) {
        const tls_context plain = client_settings().versions(tls_version::tls_1_2, newest).build();
        const tls_context client = client_settings().versions(tls_version::tls_1_2, newest).resumption(false).build();
        EXPECT_EQ(block_on(resumed_of(client, server_settings().build(), 3)), 0);
        EXPECT_EQ(block_on(resumed_of(plain, server_settings().resumption(false).build(), 3)), 0);
    }
}

// ---- clients' certificates

struct shown_to_server {
    std::string subject;
    std::string failure;
};

task<shown_to_server> show(net::client_certificates wanted, std::optional<net::tls_identity> own, tls_version newest) {
    tls_context_builder settings = client_settings();
    settings.versions(tls_version::tls_1_2, newest);
    if (own) settings.certificate_pem(own->certificate, own->key);
    tls_context client = settings.build();
    tls_context server = server_settings().ask_clients(wanted).trust_pem(the_authority().pem()).build();
    connection raw = co_await connect_pair();
    task<tls_stream> accepting = tls_stream::accept(std::move(raw.server), server);
    task<tls_stream> connecting = tls_stream::connect(std::move(raw.client), client, "server.test");
    shown_to_server result;
    tls_stream near;
    tls_stream far;
    try {
        near = co_await std::move(accepting);
        const std::optional<net::tls_certificate> shown = near.peer_certificate();
        result.subject = shown ? shown->subject : "";
    } catch (const tls_error& error) {
        result.failure = error.what();
    }
    try {
        far = co_await std::move(connecting);
        if (!result.failure.empty()) {
            // With TLS 1.3 a client learns of it when it reads.
            const std::string heard = co_await read_some(far);
            ADD_FAILURE() << "the client heard '" << heard << "'";
        }
    } catch (const io_error& error) {
        EXPECT_FALSE(result.failure.empty()) << error.what();
    }
    co_return result;
}

TEST_F(tls_contexts, a_server_may_ask_clients_who_they_are) {
    certificate_wish wish;
    wish.subject = "alice";
    wish.names = "";
    const net::tls_identity alice = the_authority().issue(wish);
    const authority stranger("Somebody Else");
    const net::tls_identity mallory = stranger.issue(wish);
    using net::client_certificates;
    for (const tls_version version : {tls_version::tls_1_2, tls_version::tls_1_3}) {
        EXPECT_EQ(block_on(show(client_certificates::none, alice, version)).subject, "");
        EXPECT_EQ(block_on(show(client_certificates::optional, std::nullopt, version)).failure, "");
        EXPECT_EQ(block_on(show(client_certificates::optional, alice, version)).subject, "CN=alice");
        EXPECT_EQ(block_on(show(client_certificates::required, alice, version)).subject, "CN=alice");
        const std::string missing = block_on(show(client_certificates::required, std::nullopt, version)).failure;
        EXPECT_NE(missing.find("peer did not return a certificate"), std::string::npos) << missing;
        for (const client_certificates wanted : {client_certificates::optional, client_certificates::required}) {
            const std::string refused = block_on(show(wanted, mallory, version)).failure;
            EXPECT_NE(refused.find("unable to get local issuer certificate"), std::string::npos) << refused;
        }
    }
}

TEST_F(tls_contexts, a_server_that_asks_clients_must_be_told_whom_to_trust) {
    using net::client_certificates;
    for (const client_certificates wanted : {client_certificates::optional, client_certificates::required}) {
        tls_context_builder settings = server_settings().ask_clients(wanted);
        for (int round = 0; round < 2; ++round) {
            try {
                static_cast<void>(settings.build());
                ADD_FAILURE() << "everybody with a certificate of a public authority would be let in";
            } catch (const tls_error& error) {
                EXPECT_EQ(error.code(), net::tls_errc::no_trust);
                EXPECT_NE(std::string(error.what()).find("must be told whom to trust"), std::string::npos) << error.what();
            }
            settings.trust_system(false);
        }
        EXPECT_NO_THROW(static_cast<void>(settings.trust_system(true).build())) << "who wants the public ones says so";
        EXPECT_NO_THROW(static_cast<void>(server_settings().ask_clients(wanted).trust_pem(the_authority().pem()).build()));
        const tls_context running = server_settings().build();
        EXPECT_THROW(running.reload(server_settings().ask_clients(wanted)), tls_error);
    }
}

// ---- files

class tls_files : public io_test {
protected:
    std::string write(const std::string& name, const std::string& text) {
        const std::string path = ::testing::TempDir() + "weft_tls_" + std::to_string(::getpid()) + "_" + name;
        std::ofstream(path) << text;
        paths_.push_back(path);
        return path;
    }
    void TearDown() override {
        for (const std::string& path : paths_) std::remove(path.c_str());
        io_test::TearDown();
    }
    static std::string message_of_building(const tls_context_builder& settings) {
        try {
            static_cast<void>(settings.build());
        } catch (const tls_error& error) {
            return error.what();
        }
        return "it was built";
    }

private:
    std::vector<std::string> paths_;
};

TEST_F(tls_files, certificates_and_authorities_come_from_files) {
    const std::string chain = write("chain.pem", the_identity().certificate);
    const std::string key = write("key.pem", the_identity().key);
    const std::string trusted = write("trusted.pem", the_authority().pem());
    tls_context client = tls_context_builder::for_client().trust_file(trusted).build();
    tls_context server = tls_context_builder::for_server().certificate_files(chain, key).build();
    static_cast<void>(block_on(meet(std::move(client), std::move(server))));
}

TEST_F(tls_files, a_chain_brings_what_is_between_it_and_the_authority) {
    // Here only the order matters: the first is the own one, the rest is sent along.
    const std::string chain = write("chain.pem", the_identity().certificate + the_authority().pem());
    const std::string key = write("key.pem", the_identity().key);
    tls_context server = tls_context_builder::for_server().certificate_files(chain, key).build();
    static_cast<void>(block_on(meet(client_settings().build(), std::move(server))));
}

TEST_F(tls_files, a_locked_key_asks_for_its_passphrase) {
    const std::string chain = write("chain.pem", the_identity().certificate);
    const std::string key = write("key.pem", authority::locked(the_identity().key, "sesame"));
    std::string asked;
    const auto answer = [&asked](std::string phrase) {
        return [&asked, phrase](const std::string& file) {
            asked = file;
            return phrase;
        };
    };
    tls_context_builder settings = tls_context_builder::for_server();
    settings.certificate_files(chain, key);
    EXPECT_NE(message_of_building(settings).find("read the key of '" + key + "' failed"), std::string::npos);
    settings.passphrase(answer("wrong"));
    EXPECT_NE(message_of_building(settings).find("read the key of '" + key + "' failed"), std::string::npos);
    settings.passphrase([](const std::string&) -> std::string { throw std::runtime_error("no terminal"); });
    EXPECT_THROW(static_cast<void>(settings.build()), std::runtime_error);
    settings.passphrase(answer("sesame"));
    static_cast<void>(block_on(meet(client_settings().build(), settings.build())));
    EXPECT_EQ(asked, key);
}

TEST_F(tls_files, what_cannot_be_used_is_named) {
    const std::string chain = write("chain.pem", the_identity().certificate);
    const std::string key = write("key.pem", the_identity().key);
    const std::string other_key = write("other.pem", the_authority().issue().key);
    const std::string garbage = write("garbage.pem", "not a certificate\n");
    const auto with = [](const std::string& a, const std::string& b) {
        return tls_context_builder::for_server().certificate_files(a, b);
    };
    EXPECT_NE(message_of_building(with("/nowhere/chain.pem", key)).find("read '/nowhere/chain.pem' failed: no such file"),
        std::string::npos);
    EXPECT_NE(message_of_building(with(garbage, key)).find("read the certificates of '" + garbage + "' failed"),
        std::string::npos);
    EXPECT_NE(message_of_building(with(chain, other_key)).find("failed: key values mismatch"), std::string::npos);
    EXPECT_NE(
        message_of_building(tls_context_builder::for_server()).find("a server needs a certificate"), std::string::npos);
    EXPECT_NE(message_of_building(tls_context_builder::for_client().trust_file(garbage)).find(garbage), std::string::npos);
}

TEST_F(tls_files, reloading_changes_new_handshakes_only) {
    certificate_wish wish;
    wish.subject = "before";
    const net::tls_identity before = the_authority().issue(wish);
    wish.subject = "after";
    const net::tls_identity after = the_authority().issue(wish);
    const std::string chain = write("chain.pem", before.certificate);
    const std::string key = write("key.pem", before.key);
    const tls_context client = client_settings().build();
    const tls_context server = tls_context_builder::for_server().certificate_files(chain, key).build();
    tls_pair old = block_on(meet(client, server));
    EXPECT_EQ(old.client.peer_certificate()->subject, "CN=before");

    write("chain.pem", after.certificate);
    EXPECT_THROW(server.reload(), tls_error) << "the key is still the old one";
    EXPECT_EQ(block_on(meet(client, server)).client.peer_certificate()->subject, "CN=before") << "nothing has changed";
    write("key.pem", after.key);
    server.reload();
    EXPECT_EQ(block_on(meet(client, server)).client.peer_certificate()->subject, "CN=after");
    block_on(greet(old));

    tls_context_builder other = tls_context_builder::for_server();
    other.certificate_pem(before.certificate, before.key);
    server.reload(other);
    EXPECT_EQ(block_on(meet(client, server)).client.peer_certificate()->subject, "CN=before");
    EXPECT_THROW(server.reload(client_settings()), std::invalid_argument);
}

TEST_F(tls_files, of_two_reloads_at_once_the_later_wins) {
    certificate_wish wish;
    wish.subject = "before";
    const net::tls_identity before = the_authority().issue(wish);
    wish.subject = "after";
    const net::tls_identity after = the_authority().issue(wish);
    std::promise<void> reading;
    std::promise<void> second_done;
    std::future<void> seen = second_done.get_future();
    bool holds = false;  // written before the threads are there
    tls_context_builder settings = tls_context_builder::for_server();
    settings.certificate_pem(before.certificate, authority::locked(before.key, "sesame"));
    settings.passphrase([&](const std::string&) {
        if (holds) {
            // The first reload has its settings. The second must not get past it, so this wait runs out.
            reading.set_value();
            static_cast<void>(seen.wait_for(std::chrono::milliseconds(100)));
        }
        return std::string("sesame");
    });
    const tls_context server = settings.build();
    holds = true;
    std::thread first([&] { server.reload(); });
    reading.get_future().wait();
    tls_context_builder newer = tls_context_builder::for_server();
    newer.certificate_pem(after.certificate, after.key);
    server.reload(newer);
    second_done.set_value();
    first.join();
    EXPECT_EQ(block_on(meet(client_settings().build(), server)).client.peer_certificate()->subject, "CN=after");
}

}  // namespace
