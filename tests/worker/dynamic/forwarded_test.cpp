#include "worker/dynamic/forwarded.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

Forwarded of(std::vector<http::Field> fields, std::string_view authority = "shop.example") {
    http::Request request;
    request.fields = std::move(fields);
    request.authority = authority;
    return forwarded_of(request);
}

TEST(Forwarded, IsTheClientThatTheAcceleratorNamesLast) {
    EXPECT_EQ(of({{"X-Forwarded-For", "10.0.0.1, 192.0.2.7"}}).remote_address, "192.0.2.7");
    EXPECT_EQ(of({{"x-forwarded-for", "2001:db8::1"}}).remote_address, "2001:db8::1");
    EXPECT_EQ(of({{"X-Forwarded-For", "10.0.0.1"}, {"X-Forwarded-For", "192.0.2.7"}}).remote_address, "192.0.2.7");
    for (const char* odd : {"", " ", "unknown", "10.0.0.1, ", "192.0.2.7:80", "_hidden"})
        EXPECT_EQ(of({{"X-Forwarded-For", odd}}).remote_address, "127.0.0.1") << odd;
    EXPECT_EQ(of({}).remote_address, "127.0.0.1");
}

TEST(Forwarded, HasThePortOfTheClientWhereItIsKnown) {
    EXPECT_EQ(of({{"Mpsup-Client-Port", "40000"}}).remote_port, "40000");
    for (const char* odd : {"", "x", "80 ", "-1"}) EXPECT_EQ(of({{"Mpsup-Client-Port", odd}}).remote_port, "") << odd;
    EXPECT_EQ(of({}).remote_port, "");
}

TEST(Forwarded, SaysWhetherTheClientsConnectionIsSecure) {
    EXPECT_TRUE(of({{"X-Forwarded-Proto", "https"}}).is_secure);
    EXPECT_FALSE(of({{"X-Forwarded-Proto", "http"}}).is_secure);
    EXPECT_FALSE(of({}).is_secure);
}

TEST(Forwarded, NamesTheServerAsTheClientDid) {
    EXPECT_EQ(of({}, "shop.example:8080").server_name, "shop.example");
    EXPECT_EQ(of({}, "shop.example:8080").server_port, "8080");
    EXPECT_EQ(of({}, "shop.example").server_port, "80");
    EXPECT_EQ(of({{"X-Forwarded-Proto", "https"}}, "shop.example").server_port, "443");
    EXPECT_EQ(of({}, "[2001:db8::1]:81").server_name, "2001:db8::1");
    EXPECT_EQ(of({}, "[2001:db8::1]:81").server_port, "81");
    EXPECT_EQ(of({}, "[2001:db8::1]").server_port, "80");
    EXPECT_EQ(of({}, "").server_name, "localhost");
}

// An accelerator reads when its own client does, whom it ends for being too slow.
TEST(Forwarded, LetsTheAcceleratorReadAsSlowlyAsItsClient) {
    http::Deadlines usual;
    const http::Deadlines trusted = trusted_deadlines(usual);
    EXPECT_EQ(trusted.write_rate, 0U);
    EXPECT_GE(trusted.write_stall, std::chrono::hours(1));
    EXPECT_EQ(trusted.body_stall, usual.body_stall);
}

} // namespace
} // namespace mpsup::dynamic
