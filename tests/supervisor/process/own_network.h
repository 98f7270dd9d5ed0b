// A network namespace of a test's own, with two interfaces that are each other's other end.
#pragma once

#include "base/fd.h"

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>

namespace mpsup {

class OwnNetwork : public testing::Test {
protected:
    void SetUp() override {
        auto before = open_file("/proc/self/ns/net", O_RDONLY);
        if (!before || ::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no right to make a network namespace";
        before_ = std::move(*before);
        if (!ip("link add mpsup0 type veth peer name mpsup1")) GTEST_SKIP() << "no ip(8), or no pair of interfaces";
        ASSERT_TRUE(ip("link set lo up") && ip("link set mpsup0 up") && ip("link set mpsup1 up"));
        ASSERT_TRUE(ip("addr add 10.9.0.1/24 dev mpsup0") && ip("addr add fd00:9::1/64 dev mpsup0 nodad"));
    }
    void TearDown() override {
        if (!before_) return;
        ASSERT_EQ(::setns(before_.get(), CLONE_NEWNET), 0);
    }
    static bool ip(const std::string& words) {
        return std::system(("ip " + words + " 2>/dev/null").c_str()) == 0;
    } // NOLINT
    /// What ip(8) says of it: "inet 10.9.0.100/32 …", empty: nobody has it.
    static std::string ip_says(const std::string& address) {
        FILE* pipe = ::popen(("ip -o addr show to " + address + " 2>/dev/null").c_str(), "r"); // NOLINT
        std::string text(4096, '\0');
        text.resize(std::fread(text.data(), 1, text.size(), pipe));
        ::pclose(pipe);
        return text;
    }

private:
    Fd before_;
};

} // namespace mpsup
