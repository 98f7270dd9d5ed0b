#include "supervisor/process/port_owner.h"

#include "base/fd.h"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup {
namespace {

TEST(PortOwner, IsNamedByProgramAndPid) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    const Address address{"127.0.0.1", ntohs(name.sin_port)};
    EXPECT_NE(describe_port_owner(address).find("(pid " + std::to_string(::getpid()) + ")"), std::string::npos)
        << describe_port_owner(address);
}

TEST(PortOwner, IsNobodyWhereNobodyListens) { EXPECT_EQ(describe_port_owner({"127.0.0.1", 1}), ""); }

} // namespace
} // namespace mpsup
