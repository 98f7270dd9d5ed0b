#include "supervisor/transport/http_answer.h"

#include "transport_fixture.h"

namespace mpsup {
namespace {

using namespace std::chrono_literals;

class HttpAnswerTest : public TransportFixture {
protected:
    // What the peer sends, and then it ends the connection; the body, or what is wrong.
    Result<std::string> read(const std::string& text, std::size_t limit = 1000) {
        Channel channel(context_.get_executor());
        EXPECT_TRUE(run(channel.connect("127.0.0.1", port(), Clock::now() + 20s)));
        peer_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        say(text);
        peer_.reset();
        HttpAnswer answer(channel);
        const auto status = run(answer.head(Clock::now() + 20s));
        if (!status) return std::unexpected(status.error());
        status_ = *status;
        auto body = run(answer.rest(limit, Clock::now() + 20s));
        stays_ = answer.leaves_channel_open();
        return body;
    }
    unsigned status_ = 0;
    bool stays_ = false;
};

TEST_F(HttpAnswerTest, HasALength) {
    EXPECT_EQ(read("HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc").value(), "abc");
    EXPECT_EQ(status_, 404U);
    EXPECT_TRUE(stays_);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").value(), "");
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc").value(), "a");
    EXPECT_FALSE(stays_) << "with something behind it";
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na").value(), "a");
    EXPECT_FALSE(stays_);
}

TEST_F(HttpAnswerTest, ComesInChunks) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(read(head + "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nTrailer: x\r\n\r\n").value(), "abcd");
    EXPECT_TRUE(stays_);
    EXPECT_EQ(read(head + "0\r\n\r\n").value(), "");
    EXPECT_FALSE(read(head + "3\r\nabc\r\n0\r\n"));
    EXPECT_FALSE(read(head + "3\r\nab"));
    EXPECT_FALSE(read(head + "x\r\nab"));
    EXPECT_FALSE(read(head + "fffffffffffffffff\r\nab"));
}

TEST_F(HttpAnswerTest, GoesToTheEndOfTheConnection) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nabc").value(), "abc");
    EXPECT_FALSE(stays_);
}

TEST_F(HttpAnswerTest, HasLimits) {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    EXPECT_TRUE(read(head + "\r\n" + std::string(1000, 'x')));
    EXPECT_EQ(read(head + "\r\n" + std::string(1001, 'x')).error().what, "read the answer");
    EXPECT_FALSE(read(head + "X: " + std::string(16 * 1024, 'x') + "\r\nContent-Length: 0\r\n\r\n"));
}

TEST_F(HttpAnswerTest, IsNone) {
    EXPECT_FALSE(read(""));
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\n"));
    EXPECT_FALSE(read("SSH-2.0\r\n\r\n"));
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"));
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

} // namespace
} // namespace mpsup
