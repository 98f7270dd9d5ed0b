#include "worker/http/ticket_keys.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

const TicketKeys::Time start{};

TEST(TicketKeys, OpenWhatTheyMade) {
    TicketKeys keys(12h);
    const auto made = keys.current("a.pem", start);
    ASSERT_TRUE(made);
    const auto found = keys.find("a.pem", made->id, start + 11h);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->cipher, made->cipher);
    EXPECT_EQ(found->mac, made->mac);
    EXPECT_FALSE(found->old);
}

TEST(TicketKeys, AreNotThoseOfAnotherName) {
    TicketKeys keys(12h);
    const auto made = keys.current("a.pem", start);
    EXPECT_NE(made->id, keys.current("b.pem", start)->id);
    EXPECT_NE(made->cipher, keys.current("b.pem", start)->cipher);
    EXPECT_FALSE(keys.find("b.pem", made->id, start));
}

TEST(TicketKeys, TurnAndKeepThePreviousOnes) {
    TicketKeys keys(12h);
    const auto made = keys.current("a.pem", start);
    const auto next = keys.current("a.pem", start + 13h);
    EXPECT_NE(next->id, made->id);
    ASSERT_TRUE(keys.find("a.pem", made->id, start + 13h));
    EXPECT_TRUE(keys.find("a.pem", made->id, start + 13h)->old);
    EXPECT_FALSE(keys.find("a.pem", made->id, start + 24h)) << "twice its age";
    static_cast<void>(keys.current("a.pem", start + 26h));
    EXPECT_FALSE(keys.find("a.pem", made->id, start + 26h));
    EXPECT_TRUE(keys.find("a.pem", next->id, start + 26h));
}

} // namespace
} // namespace mpsup::http
