#include "supervisor/daemon/listeners.h"

#include <gtest/gtest.h>

#include "base/listener.h"

#include <cstdlib>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>

namespace mpsup {
namespace {

Address free_address() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    return {"127.0.0.1", ntohs(name.sin_port)};
}

TEST(ListenersTest, GiveTheSameListenerForTheSameAddress) {
    Listeners listeners;
    const Address address = free_address();
    const auto first = listeners.open({address});
    const auto again = listeners.open({address});
    ASSERT_TRUE(first && again);
    EXPECT_EQ(first->front(), again->front());
}

TEST(ListenersTest, OpenAllOrNone) {
    Listeners listeners;
    const Address good = free_address();
    const Address taken = free_address();
    const auto holder = listen_tcp(taken);
    const auto opened = listeners.open({good, taken});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().what.find(taken.to_string()), std::string::npos);
    EXPECT_TRUE(listen_tcp(good)) << "nobody listens there";
}

TEST(ListenersTest, TellBeforehandWhatCouldNotBeOpened) {
    Listeners listeners;
    const Address own = free_address();
    const Address taken = free_address();
    const Address good = free_address();
    ASSERT_TRUE(listeners.open({own}));
    const auto holder = listen_tcp(taken);
    const auto refusals = listeners.refusals_of({own, Address{"0.0.0.0", own.port}, taken, good}, {});
    ASSERT_EQ(refusals.size(), 1U);
    EXPECT_TRUE(refusals[0].contains(taken.to_string() + ": the port is in use")) << refusals[0];
    EXPECT_TRUE(listen_tcp(good)) << "nobody listens there";
    EXPECT_TRUE(listeners.refusals_of({Address{"192.0.2.7", good.port}}, "192.0.2.7").empty()) << "it may be away";
}

TEST(ListenersTest, StayOpenForWhoeverBorrowedThem) {
    Listeners listeners;
    const Address address = free_address();
    auto borrowed = listeners.open({address});
    ASSERT_TRUE(borrowed);
    listeners.keep_only({});
    EXPECT_TRUE(is_listening(borrowed->front()->get()));
    borrowed->clear();
    EXPECT_TRUE(listen_tcp(address)) << "and close with the last of them";
}

TEST(ListenersTest, KeepWhatAWildcardStandsFor) {
    Listeners listeners;
    const Address exact = free_address();
    const Address any{"0.0.0.0", exact.port};
    const auto first = listeners.open({exact});
    ASSERT_TRUE(first);
    auto second = listeners.open({any});
    ASSERT_TRUE(second) << second.error().to_string();
    EXPECT_TRUE(listeners.covered_by({exact}).empty());
    EXPECT_EQ(listeners.covered_by({any}), *first);
    listeners.keep_only({any});
    EXPECT_EQ(listeners.covered_by({any}), *first) << "a connection may wait in it";
    EXPECT_EQ(listeners.open({exact})->front(), first->front()) << "and on the way back it is there";
    listeners.keep_only({exact});
    EXPECT_EQ(listeners.all().size(), 1U);
    second->clear();
    EXPECT_TRUE(listeners.open({exact, any})) << "once more";
}

class PoolSockets : public testing::Test {
protected:
    PoolSockets() {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-listeners-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~PoolSockets() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string path(const char* name) const { return folder_ + "/" + name; }
    std::string folder_;
};

TEST_F(PoolSockets, AreListenersAsAddressesAre) {
    Listeners listeners;
    const Endpoint endpoint = Endpoint::socket(path("a.sock"));
    const auto first = listeners.open({endpoint});
    ASSERT_TRUE(first) << first.error().to_string();
    EXPECT_EQ(listening_endpoint(first->front()->get()), endpoint);
    EXPECT_EQ(listeners.open({endpoint})->front(), first->front());
    listeners.keep_only({});
    EXPECT_FALSE(std::filesystem::exists(path("a.sock"))) << "nobody shall find it who is not served";
}

TEST_F(PoolSockets, TakeTheirPathFromTheDeadAlone) {
    const auto holder = listen_unix(path("a.sock"), SOCK_STREAM, 0600);
    ASSERT_TRUE(holder);
    Listeners listeners;
    const auto opened = listeners.open({Endpoint::socket(path("a.sock"))});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().to_string().find("another process listens there"), std::string::npos);
    {
        const auto dead = listen_unix(path("b.sock"), SOCK_STREAM, 0600);
    }
    EXPECT_TRUE(listeners.open({Endpoint::socket(path("b.sock"))}));
}

TEST_F(PoolSockets, ComeBackFromTheirTextForm) {
    const Endpoint socket = Endpoint::socket("/run/a.sock");
    EXPECT_EQ(Endpoint::parse(socket.to_string()), socket);
    EXPECT_EQ(Endpoint::parse("[::1]:80"), Endpoint(Address{"::1", 80}));
    EXPECT_EQ(Endpoint::parse("unix:relative"), std::nullopt);
    EXPECT_EQ(Endpoint::parse("nonsense"), std::nullopt);
    const auto datagram = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(listening_endpoint(datagram.get()), std::nullopt);
    const auto packets = listen_unix(path("c.sock"), SOCK_SEQPACKET, 0600);
    EXPECT_EQ(listening_endpoint(packets->get()), std::nullopt) << "not a stream";
}

} // namespace
} // namespace mpsup
