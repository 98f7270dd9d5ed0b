#include "worker/dynamic/supervisor_link.h"

#include "base/fd_passing.h"
#include "base/listener.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/socket.h>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;
using contract::Session;

// Plays the supervisor.
class SupervisorLinkTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-link-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        line_.contract_path = folder_ + "/socket";
        line_.identity = {"shop", "app", 3, "uuid-1"};
        listen();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void listen() { listener_ = listen_unix(line_.contract_path, SOCK_SEQPACKET, 0600).value(); }
    SupervisorLink connect() {
        Session session = Session::open(line_, contract::Role::master).value();
        accept();
        (void)hear(); // hello
        return {std::move(session), line_};
    }
    void accept() { peer_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)); }
    // The next message that has arrived.
    std::optional<contract::Message> hear() {
        auto packet = receive_packet(peer_.get());
        if (!packet || packet->bytes.empty()) return std::nullopt;
        return contract::decode(packet->bytes).value();
    }
    int heard_wishes() {
        int count = 0;
        while (const auto message = hear()) count += std::holds_alternative<contract::PoolWants>(*message) ? 1 : 0;
        return count;
    }

    std::string folder_;
    contract::CommandLine line_;
    Fd listener_, peer_;
    SupervisorLink::TimePoint now_ = std::chrono::steady_clock::now();
};

TEST_F(SupervisorLinkTest, SaysThingsToNobodyWhenThereIsNone) {
    SupervisorLink link(std::nullopt, std::nullopt);
    link.say(contract::PoolWants{3});
    EXPECT_FALSE(link.is_there());
    EXPECT_EQ(link.fd(), -1);
    EXPECT_FALSE(link.hear());
    EXPECT_FALSE(link.next_look()) << "nobody is looked for";
}

TEST_F(SupervisorLinkTest, WhatTheSocketHasNoRoomForFollowsInOrder) {
    SupervisorLink link = connect();
    int said = 0;
    for (; link.events() == POLLIN; ++said) link.say(contract::PoolWants{said});
    EXPECT_EQ(link.events(), POLLIN | POLLOUT);
    const int last = said - 1; // it has to wait
    for (int i = 0; i < last; ++i) EXPECT_EQ(std::get<contract::PoolWants>(hear().value()).children, i) << i;
    link.speak(true, now_);
    EXPECT_EQ(link.events(), POLLIN);
    EXPECT_EQ(std::get<contract::PoolWants>(hear().value()).children, last);
}

// A supervisor that is stopped while a large pool comes up.
TEST_F(SupervisorLinkTest, WhoDoesNotReadForVeryLongIsLeftAndFoundAgainWithNothingOfTheOldToSay) {
    SupervisorLink link = connect();
    for (std::size_t i = 0; link.is_there() && i < 2 * Session::most_waiting; ++i) link.say(contract::PoolWants{7});
    ASSERT_FALSE(link.is_there()) << "the queue has an end";
    link.say(contract::PoolWants{8});
    ASSERT_TRUE(link.next_look());
    EXPECT_FALSE(link.search_is_due(*link.next_look() - 1ms));
    ASSERT_TRUE(link.search_is_due(*link.next_look()));
    const int before = heard_wishes();
    EXPECT_GT(before, 0);
    EXPECT_LT(before, static_cast<int>(Session::most_waiting)) << "what waited went with the connection";

    ASSERT_TRUE(link.search({.stage = contract::Stage::serving, .wanted = 9, .public_listeners = {}}, now_));
    EXPECT_FALSE(link.search_is_due(now_ + 1h)) << "somebody is there";
    accept();
    const auto hello = std::get<contract::Hello>(hear().value());
    EXPECT_EQ(hello.stage, contract::Stage::serving);
    EXPECT_EQ(hello.wanted, 9);
    EXPECT_EQ(link.events(), POLLIN) << "nothing waits";
    link.say(contract::PoolWants{9});
    EXPECT_EQ(std::get<contract::PoolWants>(hear().value()).children, 9);
    EXPECT_FALSE(hear());
}

TEST_F(SupervisorLinkTest, LooksAgainAndAgainForOneThatIsGone) {
    SupervisorLink link = connect();
    listener_.reset();
    peer_.reset();
    EXPECT_FALSE(link.hear());
    EXPECT_FALSE(link.is_there());
    const contract::Return with{.stage = contract::Stage::serving, .wanted = 2, .public_listeners = {}};
    EXPECT_FALSE(link.search(with, now_));
    EXPECT_EQ(link.next_look(), now_ + contract::search_interval);
    std::filesystem::remove(line_.contract_path);
    listen();
    EXPECT_TRUE(link.search(with, now_));
    EXPECT_FALSE(link.next_look());
}

TEST_F(SupervisorLinkTest, TakesTheConnectionOfWhoWasPromoted) {
    SupervisorLink link(std::nullopt, line_);
    link.take(Session::open(line_, contract::Role::child).value(), now_);
    EXPECT_TRUE(link.is_there());
    EXPECT_FALSE(link.next_look());
    link.take(std::nullopt, now_); // it was lost meanwhile
    EXPECT_TRUE(link.search_is_due(now_));
}

} // namespace
} // namespace mpsup::dynamic
