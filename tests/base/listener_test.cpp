#include "base/listener.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace mpsup {
namespace {

// A port that the kernel picked, which nobody listens on.
std::uint16_t free_port() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    return ntohs(name.sin_port);
}

TEST(Listener, ListensAndRefusesASecondOnTheSameAddress) {
    const Address address{"127.0.0.1", free_port()};
    const auto first = listen_tcp(address);
    ASSERT_TRUE(first);
    EXPECT_TRUE(is_listening(first->get()));
    const auto second = listen_tcp(address);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code.value(), EADDRINUSE);
    EXPECT_NE(second.error().what.find(address.to_string()), std::string::npos);
}

// Of networks that are for documents alone (RFC 5737, RFC 3849).
TEST(Listener, ListensOnAnAddressThatIsNotYetThereIfItMay) {
    for (const char* ip : {"192.0.2.1", "2001:db8::1"}) {
        const Address address{ip, free_port()};
        EXPECT_EQ(listen_tcp(address).error().code.value(), EADDRNOTAVAIL) << ip;
        const auto listener = listen_tcp(address, {}, Absent::allowed);
        ASSERT_TRUE(listener) << listener.error().to_string();
        EXPECT_EQ(listening_address(listener->get()), address);
        EXPECT_EQ(listen_tcp(address, {}, Absent::allowed).error().code.value(), EADDRINUSE);
    }
}

Fd connect_to(std::uint16_t port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(port);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    return socket;
}

TEST(Listener, StandsBesideAnotherOfOursThatOverlaps) {
    for (const auto& [one, other] : {std::pair{"127.0.0.1", "0.0.0.0"}, std::pair{"0.0.0.0", "127.0.0.1"}}) {
        const std::uint16_t port = free_port();
        const auto first = listen_tcp({one, port});
        ASSERT_TRUE(first);
        const Fd before = connect_to(port); // accepted connections do not get in the way, nor those that wait
        const Fd accepted(::accept4(first->get(), nullptr, nullptr, SOCK_CLOEXEC));
        const Fd waiting = connect_to(port);
        EXPECT_EQ(listen_tcp({other, port}).error().code.value(), EADDRINUSE);
        const int beside[] = {first->get()};
        const auto second = listen_tcp({other, port}, beside);
        ASSERT_TRUE(second) << second.error().to_string();
        const Fd late = connect_to(port);
        const int exact = std::string(one) == "0.0.0.0" ? second->get() : first->get();
        const Fd still_waiting(::accept4(first->get(), nullptr, nullptr, SOCK_CLOEXEC));
        EXPECT_TRUE(still_waiting) << "it is in the queue that it was in";
        const Fd reached(::accept4(exact, nullptr, nullptr, SOCK_CLOEXEC));
        EXPECT_TRUE(reached) << "the more exact address gets the connection";
        for (const int socket : {first->get(), second->get()}) {
            int shares = 1;
            socklen_t size = sizeof shares;
            ASSERT_EQ(::getsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &shares, &size), 0);
            EXPECT_EQ(shares, 0) << "only while it was bound";
        }
        EXPECT_EQ(listen_tcp({"127.0.0.2", port}).error().code.value(), EADDRINUSE);
        const Fd foreign(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        ASSERT_EQ(::setsockopt(foreign.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(port);
        EXPECT_EQ(::bind(foreign.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), -1)
            << "nobody else gets the port";
    }
}

TEST(Listener, SaysWhenTheMachineHasNoSuchAddress) {
    EXPECT_EQ(listen_tcp({"192.0.2.1", free_port()}).error().code.value(), EADDRNOTAVAIL);
}

TEST(Listener, ReplacesAStaleSocketFileAndSetsItsMode) {
    std::string name = std::filesystem::temp_directory_path() / "mpsup-listener-XXXXXX";
    const std::string folder = ::mkdtemp(name.data());
    const std::string path = folder + "/socket";
    {
        ASSERT_TRUE(listen_unix(path, SOCK_STREAM, 0600));
    }
    const auto again = listen_unix(path, SOCK_STREAM, 0600);
    ASSERT_TRUE(again);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_TRUE(connect_unix(path, SOCK_STREAM));
    std::filesystem::remove_all(folder);
}

TEST(Listener, RefusesPathsThatAreTooLongForTheKernel) {
    const std::string path = "/tmp/" + std::string(120, 'x');
    EXPECT_EQ(listen_unix(path, SOCK_STREAM, 0600).error().code.value(), ENAMETOOLONG);
    EXPECT_EQ(connect_unix(path, SOCK_STREAM).error().code.value(), ENAMETOOLONG);
}

} // namespace
} // namespace mpsup
