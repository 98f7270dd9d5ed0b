#include "supervisor/daemon/listeners.h"

#include <gtest/gtest.h>

#include "base/listener.h"

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

} // namespace
} // namespace mpsup
