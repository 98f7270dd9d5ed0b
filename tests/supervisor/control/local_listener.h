// Listeners of tests.
#pragma once

#include "base/fd.h"
#include "base/listener.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <string>
#include <sys/socket.h>

namespace mpsup {

/// Of TCP, non-blocking, on a port of the kernel's choice, of which `api` becomes the address: "127.0.0.2:40000".
inline Fd listen_on(const char* ip, std::string& api) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, ip, &address.sin_addr);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd.get(), 128), 0);
    api = listening_address(fd.get()).value().to_string();
    return fd;
}

} // namespace mpsup
