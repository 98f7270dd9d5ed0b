#include "worker/contract/session.h"

#include "base/listener.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup::contract {
namespace {

using namespace std::chrono_literals;

// Plays the supervisor.
class SessionTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-session-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        line_.contract_path = folder_ + "/socket";
        line_.identity = {"shop", "docs", 3, "uuid-1"};
        listener_ = listen_unix(line_.contract_path, SOCK_SEQPACKET, 0600).value();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Session connect() {
        Session session = Session::open(line_, Role::light).value();
        peer_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        return session;
    }

    std::string folder_;
    CommandLine line_;
    Fd listener_, peer_;
};

TEST_F(SessionTest, SaysWhoItIs) {
    const Session session = connect();
    const auto packet = receive_packet(peer_.get());
    ASSERT_TRUE(packet);
    const Hello hello = std::get<Hello>(decode(packet->bytes).value());
    EXPECT_EQ(hello.identity.uuid, "uuid-1");
    EXPECT_EQ(hello.pid, ::getpid());
    EXPECT_GT(hello.start_time, 0U);
}

TEST_F(SessionTest, GetsItsDescriptorsWithGo) {
    Session session = connect();
    const auto pipe = make_pipe();
    const std::array<int, 1> fds{pipe->write.get()};
    Go go;
    go.fds = {FdRole::access_log};
    ASSERT_TRUE(send_packet(peer_.get(), encode(go), fds));
    const auto order = session.wait_for_go(1s);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->second.size(), 1U);
}

TEST_F(SessionTest, RefusesGoWithoutItsDescriptors) {
    Session session = connect();
    Go go;
    go.fds = {FdRole::access_log};
    ASSERT_TRUE(send_packet(peer_.get(), encode(go)));
    EXPECT_FALSE(session.wait_for_go(1s));
}

TEST_F(SessionTest, GivesUpWhenTheSupervisorIsGoneOrSilent) {
    Session session = connect();
    EXPECT_EQ(session.wait_for_go(1ms).error().code.value(), ETIMEDOUT);
    peer_.reset();
    EXPECT_EQ(session.wait_for_go(1s).error().code.value(), ECONNRESET);
}

TEST_F(SessionTest, LosesNothingOfWhatASocketHasNoRoomForAtOnce) {
    Session session = connect();
    ASSERT_TRUE(receive_packet(peer_.get())) << "its hello";
    constexpr int children = 2000; // a socket of the usual size holds some 250 of these
    const auto pipe = make_pipe().value();
    const std::array<int, 2> fds{pipe.read.get(), pipe.write.get()};
    for (int pid = 1; pid <= children; ++pid) {
        ASSERT_TRUE(session.send(ChildStarted{pid, 7}, fds));
        ASSERT_TRUE(session.send(ChildReady{pid}));
    }
    EXPECT_TRUE(session.has_waiting());
    for (int pid = 1; pid <= children; ++pid) {
        session.flush();
        const auto started = receive_packet(peer_.get());
        const auto ready = receive_packet(peer_.get());
        ASSERT_TRUE(started && ready) << pid;
        EXPECT_EQ(started->fds.size(), 2U);
        ASSERT_EQ(std::get<ChildStarted>(decode(started->bytes).value()).pid, pid) << "in order";
        ASSERT_EQ(std::get<ChildReady>(decode(ready->bytes).value()).pid, pid);
    }
    EXPECT_FALSE(session.has_waiting());
    EXPECT_FALSE(receive_packet(peer_.get())) << "nothing twice";
}

TEST_F(SessionTest, SaysWhenTheSupervisorHasNotReadForVeryLong) {
    Session session = connect();
    Result<> sent;
    std::size_t count = 0;
    while (sent && count < 2 * Session::most_waiting) {
        sent = session.send(Ready{});
        ++count;
    }
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code.value(), ENOBUFS);
    EXPECT_GE(count, Session::most_waiting);
    peer_.reset();
    session.flush();
    EXPECT_FALSE(session.has_waiting()) << "nobody is left to whom it could be said";
}

TEST(CommandLineTest, ReadsWhatItWrites) {
    const CommandLine line{"/run/x/contract/socket", {"shop", "docs", 12, "uuid"}};
    const auto arguments = line.to_arguments();
    std::vector<const char*> argv{"mpsup-light"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const auto read = CommandLine::parse(static_cast<int>(argv.size()), argv.data());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->contract_path, line.contract_path);
    EXPECT_EQ(read->identity.generation, 12U);
}

TEST(CommandLineTest, TellsWhoStartsItByHandWhatToDo) {
    const char* alone[] = {"mpsup-light"};
    EXPECT_NE(CommandLine::parse(1, alone).error().what.find("mpsup up"), std::string::npos);
    const char* odd[] = {"mpsup-light", "--site"};
    EXPECT_FALSE(CommandLine::parse(2, odd));
    const char* number[] = {"mpsup-light", "--generation", "x"};
    EXPECT_FALSE(CommandLine::parse(3, number));
}

} // namespace
} // namespace mpsup::contract
