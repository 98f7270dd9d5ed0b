#include "worker/accelerator/client_identity.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

constexpr std::string_view our_proxies = "10.0.0.";

// Identifies the client of a request with these fields, which came from a proxy or from elsewhere.
ClientIdentity identify(std::vector<http::Field> fields, bool trusted, bool tls = false) {
    http::Request request;
    request.fields = std::move(fields);
    request.authority = "example.org:8080";
    const Peer peer{trusted ? "10.0.0.1" : "192.0.2.66", "192.0.2.1", 8080, tls, trusted};
    ClientIdentity identity;
    accelerator::identify(
        request, peer, [](std::string_view address) { return address.starts_with(our_proxies); }, identity);
    return identity;
}

TEST(ClientIdentity, Fault56BelievesNothingOfAStranger) {
    const ClientIdentity got = identify({{"X-Forwarded-For", "127.0.0.1"},
                                         {"X-Forwarded-Proto", "https"},
                                         {"X-Forwarded-Host", "evil.example"},
                                         {"X-Forwarded-Port", "1"},
                                         {"X-Real-IP", "127.0.0.1"},
                                         {"X-Request-Id", "mine"},
                                         {"Forwarded", "for=127.0.0.1"}},
                                        false);
    EXPECT_EQ(got.address, "192.0.2.66");
    EXPECT_EQ(got.chain, "");
    EXPECT_EQ(got.proto, "http");
    EXPECT_EQ(got.host, "example.org:8080");
    EXPECT_EQ(got.port, "8080");
    EXPECT_EQ(got.request_id, "");
    EXPECT_EQ(got.forwarded, "");
}

TEST(ClientIdentity, BelievesAProxyOfOurs) {
    const ClientIdentity got = identify({{"X-Forwarded-For", "198.51.100.7"},
                                         {"X-Forwarded-Proto", "https"},
                                         {"X-Forwarded-Host", "www.example"},
                                         {"X-Request-Id", "abc-1"}},
                                        true);
    EXPECT_EQ(got.address, "198.51.100.7");
    EXPECT_TRUE(got.secure());
    EXPECT_EQ(got.host, "www.example");
    EXPECT_EQ(got.port, "443");
    EXPECT_EQ(got.request_id, "abc-1");
}

TEST(ClientIdentity, TakesTheRightmostAddressThatIsNotOurs) {
    ClientIdentity got = identify({{"X-Forwarded-For", "127.0.0.1, 198.51.100.7,10.0.0.9 , 10.0.0.8"}}, true);
    EXPECT_EQ(got.address, "198.51.100.7");
    EXPECT_EQ(got.chain, "127.0.0.1");
    got = identify({{"X-Forwarded-For", "10.0.0.7"}}, true);
    EXPECT_EQ(got.address, "10.0.0.7");
    got = identify({{"X-Forwarded-For", "198.51.100.7, nonsense, 10.0.0.9"}}, true);
    EXPECT_EQ(got.address, "10.0.0.9");
    got = identify({}, true);
    EXPECT_EQ(got.address, "10.0.0.1");
}

TEST(ClientIdentity, ReadsAddressesWithPorts) {
    EXPECT_EQ(identify({{"X-Forwarded-For", "198.51.100.7:4711"}}, true).address, "198.51.100.7");
    EXPECT_EQ(identify({{"X-Forwarded-For", "[2001:db8::1]:4711"}}, true).address, "2001:db8::1");
    EXPECT_EQ(identify({{"X-Forwarded-For", "2001:db8::1"}}, true).address, "2001:db8::1");
    EXPECT_EQ(identify({{"X-Forwarded-For", "[2001:db8::1"}}, true).address, "10.0.0.1");
}

TEST(ClientIdentity, PassesOverWhatAProxyGarbled) {
    const ClientIdentity got = identify({{"X-Forwarded-Proto", "gopher"},
                                         {"X-Forwarded-Host", "a b"},
                                         {"X-Forwarded-Port", "70000"},
                                         {"X-Request-Id", "a b"}},
                                        true);
    EXPECT_EQ(got.proto, "http");
    EXPECT_EQ(got.host, "example.org:8080");
    EXPECT_EQ(got.port, "8080");
    EXPECT_EQ(got.request_id, "");
}

TEST(ClientIdentity, MakesRequestIdsThatItTakes) {
    std::string id = "what was there before";
    make_request_id(0x0123456789abcdefU, 0xfU, id);
    EXPECT_EQ(id, "0123456789abcdef000000000000000f");
    EXPECT_TRUE(is_request_id(id));
    EXPECT_FALSE(is_request_id(""));
    EXPECT_FALSE(is_request_id(std::string(129, 'a')));
    EXPECT_FALSE(is_request_id("a\"b"));
}

TEST(ClientIdentity, SplitsAuthorities) {
    EXPECT_EQ(host_of("[::1]:80"), "[::1]");
    EXPECT_EQ(port_of("[::1]:80"), "80");
    EXPECT_EQ(port_of("[::1]"), "");
    EXPECT_EQ(host_of("a.example"), "a.example");
    EXPECT_EQ(port_of("a.example:81"), "81");
}

} // namespace
} // namespace mpsup::accelerator
