#include "supervisor/control/webhook.h"

#include "base/listener.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class WebhookTest : public testing::Test {
protected:
    WebhookTest() : listener_(listen_tcp({"127.0.0.1", 0}).value()) {}

    std::string post(std::chrono::milliseconds timeout) {
        const std::uint16_t port = listening_address(listener_.get()).value().port;
        std::string why = "never ended";
        WebhookTarget target{"127.0.0.1", port, "a.example", "/x?y=1"};
        asio::co_spawn(context_, post_webhook(std::move(target), "{\"a\":1}", timeout),
                       [&](const std::exception_ptr&, const std::string& got) { why = got; });
        context_.run();
        return why;
    }
    // What a client sent, after it was answered.
    std::string serve(const std::string& answer) {
        Fd client;
        while (!client) client = Fd(::accept(listener_.get(), nullptr, nullptr));
        std::string got;
        std::array<char, 4096> block{};
        while (!got.ends_with("}"))
            if (const ssize_t size = ::recv(client.get(), block.data(), block.size(), 0); size > 0)
                got.append(block.data(), static_cast<std::size_t>(size));
        (void)::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        return got;
    }

    Fd listener_;
    asio::io_context context_;
};

TEST_F(WebhookTest, PostsTheDocument) {
    std::string got;
    std::jthread server([&] { got = serve("HTTP/1.1 204 Yes\r\n\r\n"); });
    EXPECT_EQ(post(20s), "");
    server.join();
    EXPECT_TRUE(got.starts_with("POST /x?y=1 HTTP/1.1\r\nHost: a.example\r\n")) << got;
    EXPECT_TRUE(got.contains("Content-Type: application/json\r\n")) << got;
    EXPECT_TRUE(got.ends_with("\r\n\r\n{\"a\":1}")) << got;
}

TEST_F(WebhookTest, SaysWhatWasAnswered) {
    std::jthread server([&] { (void)serve("HTTP/1.1 503 No\r\n\r\n"); });
    EXPECT_EQ(post(20s), "answered 503");
}

TEST_F(WebhookTest, DoesNotBelieveWhatIsNoHttp) {
    std::jthread server([&] { (void)serve("SSH-2.0\r\n\r\n"); });
    EXPECT_TRUE(post(20s).starts_with("read the answer: "));
}

TEST_F(WebhookTest, EndsWhenNobodyAnswers) { EXPECT_EQ(post(30ms), "no answer in time"); }

} // namespace
} // namespace mpsup
