#include "base/fd_passing.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup {
namespace {

class FdPassing : public testing::Test {
protected:
    void SetUp() override {
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
        left_ = Fd(ends[0]);
        right_ = Fd(ends[1]);
    }
    Fd left_, right_;
};

TEST_F(FdPassing, CarriesBytesAndDescriptors) {
    auto pipe = make_pipe();
    const std::array<int, 1> fds{pipe->write.get()};
    ASSERT_TRUE(send_packet(left_.get(), "hello", fds));
    auto packet = receive_packet(right_.get());
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->bytes, "hello");
    ASSERT_EQ(packet->fds.size(), 1U);
    EXPECT_TRUE(::fcntl(packet->fds[0].get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(::write(packet->fds[0].get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(pipe->read.get(), &byte, 1), 1);
}

TEST_F(FdPassing, KeepsPacketsApart) {
    ASSERT_TRUE(send_packet(left_.get(), "one"));
    ASSERT_TRUE(send_packet(left_.get(), "two"));
    EXPECT_EQ(receive_packet(right_.get())->bytes, "one");
    EXPECT_EQ(receive_packet(right_.get())->bytes, "two");
}

TEST_F(FdPassing, NeverBlocks) {
    EXPECT_EQ(receive_packet(right_.get()).error().code.value(), EAGAIN);
    const std::string packet(max_packet_bytes, 'x');
    Result<> sent;
    for (int i = 0; i < 1000 && sent; ++i) sent = send_packet(left_.get(), packet);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code.value(), EAGAIN);
}

TEST_F(FdPassing, TellsTheEndOfTheStream) {
    left_.reset();
    EXPECT_EQ(receive_packet(right_.get()).error().code.value(), ECONNRESET);
    EXPECT_EQ(send_packet(right_.get(), "x").error().code.value(), EPIPE) << "and no SIGPIPE";
}

TEST_F(FdPassing, RefusesWhatIsTooLong) {
    EXPECT_EQ(send_packet(left_.get(), std::string(max_packet_bytes + 1, 'x')).error().code.value(), EMSGSIZE);
    EXPECT_EQ(send_packet(left_.get(), "").error().code.value(), EMSGSIZE);
    const std::string longer(max_packet_bytes + 100, 'x');
    ASSERT_EQ(::send(left_.get(), longer.data(), longer.size(), 0), static_cast<ssize_t>(longer.size()));
    EXPECT_EQ(receive_packet(right_.get()).error().code.value(), EMSGSIZE);
}

TEST_F(FdPassing, LetsTheKernelSayWhoSent) {
    ASSERT_TRUE(enable_credentials(right_.get()));
    ASSERT_TRUE(send_packet(left_.get(), "x"));
    EXPECT_EQ(receive_packet(right_.get())->sender, ::getpid());
}

} // namespace
} // namespace mpsup
